import { logFileOf } from '@millrace/service';
import pc from 'picocolors';
import { exitCodes } from '../exit-codes.js';
import { type Host, startHost } from '../host/host.js';
import { printJson } from '../terminal/print.js';
import { hasColours, type Terminal, write } from '../terminal/terminal.js';

/** Runs the host until a signal, then drains it. A second signal ends the process at once, which is as safe as a crash. */
export async function runServer(
  options: {
    readonly port: number;
    readonly healthPort?: number | undefined;
    readonly dataDirectory: string;
    readonly json: boolean;
  },
  terminal: Terminal,
): Promise<number> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  const { environment } = terminal;
  const logFile = await logFileOf(environment);
  const host = await startHost({ ...options, environment, log: logFile ?? terminal.error, quiet: false });
  const { url, healthUrl } = host;
  const apiKey = await host.createFirstKey();
  const { dataDirectory, json } = options;
  if (json) await printJson(terminal, { url, healthUrl: healthUrl ?? null, dataDirectory, apiKey: apiKey ?? null });
  else await write(terminal.out, greeting(host, dataDirectory, apiKey, hasColours(terminal.out, terminal)));

  const signal = await signalled;
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(exitCodes.interrupted));
  await write(terminal.error, `${signal}: draining; again to exit at once\n`);
  await host.drain();
  await logFile?.close();
  return exitCodes.ok;
}

function greeting(
  { url, healthUrl }: Host,
  dataDirectory: string,
  apiKey: string | undefined,
  coloured: boolean,
): string {
  const { bold } = pc.createColors(coloured);
  const key = apiKey === undefined ? '' : `API key, shown only now: ${bold(apiKey)}\n`;
  const metrics = healthUrl === undefined ? '' : `, metrics on ${bold(`${healthUrl}/metrics`)}`;
  return `Millrace listens on ${bold(url)}, data in ${dataDirectory}${metrics}\n${key}`;
}
