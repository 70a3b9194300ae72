/** Processes of Millrace for measuring: started from the built files, watched until ready, ended together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const builtApp = (name: string): string =>
  fileURLToPath(new URL(`../../../../apps/${name}/dist/main.js`, import.meta.url));

export interface MeasuredProcess {
  readonly pid: number;
  readonly output: () => string;
  /** Resolves with the first match in what the process printed. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

export function startProcess(
  name: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): MeasuredProcess {
  const child = spawn(process.execPath, [builtApp(name), ...words], {
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return {
    pid: child.pid ?? 0,
    output: () => printed,
    waitFor: (pattern) =>
      waitFor(
        child,
        () => pattern.exec(printed),
        () => `${name} ended early:\n${printed}`,
      ),
    stop: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function waitFor<Found>(child: ChildProcess, look: () => Found | null, failure: () => string): Promise<Found> {
  for (;;) {
    const found = look();
    if (found !== null) return found;
    if (child.exitCode !== null) throw new Error(failure());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Resident memory of a process in MiB, as Linux tells it; NaN elsewhere. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
  return kibibytes === undefined ? Number.NaN : Math.round(Number(kibibytes) / 1024);
}

/** Resolves when an address answers 200. */
export async function untilReady(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
