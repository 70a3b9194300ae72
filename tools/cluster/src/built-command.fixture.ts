/** Built commands of this repository as processes, as a person or a script runs them. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const workspace = fileURLToPath(new URL('../../../', import.meta.url));

export interface Command {
  readonly pid: number;
  readonly out: () => string;
  readonly error: () => string;
  readonly running: () => boolean;
  signal(signal: NodeJS.Signals): void;
  /** The exit code. */
  readonly ended: Promise<number | null>;
}

/** @param file relative to the root, `tools/cluster/dist/main.js` */
export function startBuilt(
  file: string,
  words: readonly string[],
  options: { readonly environment?: Record<string, string>; readonly nodeArguments?: readonly string[] } = {},
): Command {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(MILLRACE_|NODE_OPTIONS|npm_|INIT_CWD)/.test(name),
  );
  const child = spawn(process.execPath, [...(options.nodeArguments ?? []), file, ...words], {
    cwd: workspace,
    env: { ...Object.fromEntries(inherited), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { out: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.error += text));
  return {
    pid: child.pid ?? 0,
    out: () => output.out,
    error: () => output.error,
    running: () => child.exitCode === null && child.signalCode === null,
    signal: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  };
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
