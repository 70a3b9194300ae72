import type { MillraceClient } from '@millrace/client';
import { type DiamondFigures, percentile } from './figures.js';

const warmUp = 30;
const sequential = 200;
const concurrent = 1_500;
const inFlight = 64;

/** Measures the shipped six-step graph a -> b,c,d -> e -> f with 1 KB per step, over HTTP, each request waiting for the end. */
export async function measureDiamond(client: MillraceClient): Promise<DiamondFigures> {
  for (let count = 0; count < warmUp; count += 1) await oneRun(client);
  const times: number[] = [];
  for (let count = 0; count < sequential; count += 1) times.push(await oneRun(client));
  const began = performance.now();
  let left = concurrent;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await oneRun(client);
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99), runsPerSecond: concurrent / seconds };
}

async function oneRun(client: MillraceClient): Promise<number> {
  const began = performance.now();
  const run = await client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 30 });
  if (run.status !== 'completed') throw new Error(`A diamond ended as ${run.status}: ${run.error?.message ?? ''}`);
  return performance.now() - began;
}
