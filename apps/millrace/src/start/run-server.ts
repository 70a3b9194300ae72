import pc from 'picocolors';
import { exitCodes } from '../exit-codes.js';
import { startHost } from '../host/host.js';
import { hasColours, type Terminal, write } from '../terminal/terminal.js';

/** Runs the host until a signal, then drains it. A second signal ends the process at once, which is as safe as a crash. */
export async function runServer(
  options: { readonly port: number; readonly dataDirectory: string },
  terminal: Terminal,
): Promise<number> {
  const signalled = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  const host = await startHost({ ...options, environment: terminal.environment, log: terminal.error, quiet: false });
  const colours = pc.createColors(hasColours(terminal.out, terminal));
  const key = await host.createFirstKey();
  const lines = [`Millrace listens on ${colours.bold(host.url)}, data in ${options.dataDirectory}`];
  if (key !== undefined) lines.push(`API key, shown only now: ${colours.bold(key)}`);
  await write(terminal.out, `${lines.join('\n')}\n`);

  const signal = await signalled;
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => process.exit(exitCodes.interrupted));
  await write(terminal.error, `${signal}: draining; again to exit at once\n`);
  await host.drain();
  return exitCodes.ok;
}
