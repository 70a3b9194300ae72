/** Starts again what ends without having been told to. */
import { setTimeout as pause } from 'node:timers/promises';
import { describeExit, type ExitInfo } from '@millrace/servers';

export interface Supervised {
  readonly name: string;
  /** How what runs now, or ran last, ended. */
  readonly exited: Promise<ExitInfo>;
  restart(): Promise<void>;
  untilReady?(): Promise<void>;
}

export interface SupervisionOptions {
  readonly report: (text: string) => void;
  /** Ends it: what ends from then on stays so. */
  readonly signal: AbortSignal;
  /** The time before the first of a row of restarts, doubled for each further one. Default 500. */
  readonly firstDelayMs?: number;
}

const longestDelayMs = 30_000;
/** Who lived so long does not count as failing again and again. */
const steadyMs = 60_000;

/** Resolves after the signal, when nothing is being started any more. Never rejects. */
export async function supervise(all: readonly Supervised[], options: SupervisionOptions): Promise<void> {
  await Promise.all(all.map((one) => superviseOne(one, options)));
}

async function superviseOne(supervised: Supervised, { report, signal, firstDelayMs = 500 }: SupervisionOptions) {
  const { name } = supervised;
  const told = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  for (let failures = 0; !signal.aborted;) {
    const began = performance.now();
    const exit = await Promise.race([supervised.exited, told]);
    if (exit === undefined || signal.aborted) return;
    failures = performance.now() - began > steadyMs ? 0 : failures;
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** failures);
    failures += 1;
    report(`${name} ended (${describeExit(exit)}); starting it again in ${delayMs / 1000} s`);
    await pause(delayMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await startAgain(supervised, report);
  }
}

async function startAgain(supervised: Supervised, report: (text: string) => void): Promise<void> {
  try {
    await supervised.restart();
    await supervised.untilReady?.();
    report(`${supervised.name} is there again`);
  } catch (error) {
    report(`${supervised.name} does not start: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`);
  }
}
