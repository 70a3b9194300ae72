/** The shipped six-step graph a -> b,c,d -> e -> f with 1 KB per step, over HTTP, each request waiting for the end. */
import type { MillraceClient } from '@millrace/client';

export interface DiamondFigures {
  /** One run at a time, from the request to the ended run, in milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** With 64 runs in flight. */
  readonly runsPerSecond: number;
}

const warmUp = 30;
const sequential = 200;
const inFlight = 64;

/** How many runs `measureManyAtOnce` makes. */
export const concurrentRuns = 1_500;

export async function measureOneAtATime(client: MillraceClient): Promise<Omit<DiamondFigures, 'runsPerSecond'>> {
  for (let count = 0; count < warmUp; count += 1) await oneRun(client);
  const times: number[] = [];
  for (let count = 0; count < sequential; count += 1) times.push(await oneRun(client));
  return { p50Ms: percentile(times, 0.5), p95Ms: percentile(times, 0.95), p99Ms: percentile(times, 0.99) };
}

/** Runs a second with 64 in flight. */
export async function measureManyAtOnce(client: MillraceClient): Promise<number> {
  const began = performance.now();
  let left = concurrentRuns;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await oneRun(client);
    }),
  );
  return concurrentRuns / ((performance.now() - began) / 1000);
}

export async function measureDiamond(client: MillraceClient): Promise<DiamondFigures> {
  const times = await measureOneAtATime(client);
  return { ...times, runsPerSecond: await measureManyAtOnce(client) };
}

async function oneRun(client: MillraceClient): Promise<number> {
  const began = performance.now();
  const run = await client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 30 });
  if (run.status !== 'completed') throw new Error(`A diamond ended as ${run.status}: ${run.error?.message ?? ''}`);
  return performance.now() - began;
}

/** The value at a share of the sorted values, 0.5 for the median. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
