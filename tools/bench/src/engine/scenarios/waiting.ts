import { rounded, type WaitingFigures } from '../figures.js';
import type { Millrace } from '../systems/millrace.js';
import { waiting } from './graphs.js';

const waitingRuns = 10_000;
const startsInFlight = 64;
const lookEveryMs = 10;

/** Ten thousand runs that wait at once: what they take, and how soon one goes on when the orchestrator was killed. */
export async function measureWaiting(millrace: Millrace): Promise<WaitingFigures> {
  const { caller } = millrace;
  await caller.publish(waiting);
  const runIds: string[] = [];
  let left = waitingRuns;
  const start = async (): Promise<void> => {
    while (left-- > 0) runIds.push(await caller.start('bench-waiting'));
  };
  await Promise.all(Array.from({ length: startsInFlight }, start));
  const memoryMiB = Math.round(await millrace.memoryMiB('orchestrator'));
  const began = performance.now();
  await millrace.restartOrchestrator();
  const ready = performance.now();
  const [first = ''] = runIds;
  await caller.signal(first, 'go', lookEveryMs);
  await caller.untilCompleted(first, lookEveryMs);
  return {
    runs: waitingRuns,
    memoryMiB,
    memoryAfterRestartMiB: Math.round(await millrace.memoryMiB('orchestrator')),
    startMs: rounded(ready - began),
    resumedMs: rounded(performance.now() - ready),
  };
}
