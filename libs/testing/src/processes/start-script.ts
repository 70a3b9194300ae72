import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ScriptProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it has written so far. */
  readonly output: { readonly standard: string; readonly error: string };
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends a signal (default SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

const hooks = new URL('./typescript-hooks.mjs', import.meta.url).href;
const workspace = fileURLToPath(new URL('../../../../', import.meta.url));

/**
 * Runs a module in a process of its own, to be killed: `source` is JavaScript that may import `@millrace/…` and, relative to
 * the root of the repository, TypeScript files. The process ends with this one at the latest.
 * @example const child = startScript(`import { main } from './apps/millrace/src/main.ts'; await main();`);
 */
export function startScript(
  source: string,
  options: { readonly arguments?: readonly string[]; readonly environment?: Readonly<Record<string, string>> } = {},
): ScriptProcess {
  const flags = ['--conditions=@millrace/source', '--import', hooks, '--eval', source];
  const child = spawn(process.execPath, [...flags, '--', ...(options.arguments ?? [])], {
    cwd: workspace,
    env: { ...process.env, NODE_OPTIONS: '', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = { standard: '', error: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.standard += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.error += text));
  const ended: ScriptProcess['ended'] = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return { pid: child.pid ?? 0, output, ended, kill, [Symbol.asyncDispose]: () => kill() };
}
