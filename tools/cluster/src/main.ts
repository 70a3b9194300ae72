/** `npm run up`: the whole system as processes on this machine. */
import { MillraceError, toMillraceError } from '@millrace/kernel';
import { CommanderError } from 'commander';
import { runUp } from './up/run-up.js';
import { upProgram } from './up/up-options.js';

if (!('withResolvers' in Promise)) {
  process.stderr.write(
    `Millrace needs Node.js 22.15 or later; this is ${process.versions.node}. Run it through npm.\n`,
  );
  process.exit(1);
}
const exitCodes = { failed: 1, usage: 64, interrupted: 130 } as const;
const words = process.argv.slice(2);
const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // What it started ends by itself, as after a crash.
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new MillraceError('cancelled', 'interrupted', signal));
  });
}

/** npm runs scripts in the root of the package; what a person types is relative to where npm was called. */
const folder =
  process.env['npm_package_json'] === undefined ? process.cwd() : (process.env['INIT_CWD'] ?? process.cwd());
const terminal = {
  out: (text: string) => void process.stdout.write(text),
  error: (text: string) => void process.stderr.write(text),
  folder,
  coloured: process.stdout.isTTY && !process.env['NO_COLOR'],
  signal: controller.signal,
};

function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : exitCodes.usage;
  const error = toMillraceError(thrown);
  if (error.code === 'interrupted') return exitCodes.interrupted;
  const { code, message, cause } = error;
  const detail = error.kind === 'internal' && cause instanceof Error ? `${message} ${cause.message}` : message;
  if (words.includes('--json')) terminal.out(`${JSON.stringify({ error: { code, message: detail } }, null, 2)}\n`);
  else terminal.error(`${detail} (${code})\n`);
  return exitCodes.failed;
}

// Neither children nor signals keep a process alive.
const untilDone = setInterval(() => undefined, 60_000);
process.exitCode = await upProgram((flags) => runUp(flags, terminal), terminal)
  .parseAsync(words, { from: 'user' })
  .then(() => 0, exitCodeOf);
clearInterval(untilDone);
