import { rounded, type LoopFigures } from '../figures.js';
import type { Millrace } from '../systems/millrace.js';
import { loop } from './graphs.js';

const contextCharacters = 1_000_000;
const lookEveryMs = 250;
const kibibyte = 1024;

/** A thousand rounds over a context of 1 MB: how long one run takes, and what of it stays in the database. */
export async function measureLoop(millrace: Millrace): Promise<LoopFigures> {
  const { caller } = millrace;
  await caller.publish(loop);
  const before = await millrace.storedBytes();
  const began = performance.now();
  const runId = await caller.start('bench-loop', { context: 'x'.repeat(contextCharacters) });
  await caller.untilCompleted(runId, lookEveryMs);
  const tookMs = performance.now() - began;
  return { tookMs: rounded(tookMs), storedKb: Math.round(((await millrace.storedBytes()) - before) / kibibyte) };
}
