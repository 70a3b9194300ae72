/**
 * How a peer is told what to run: a line of JSON on standard input for each load, `{"work", "runs", "inFlight"}`, answered by
 * a line on standard output, `{"elapsedMs", "latenciesMs"}`. The first line out, `{"ready": true}`, says that it may begin.
 */
import { createInterface } from 'node:readline';

const payload = 'x'.repeat(1_000);
/** What a step returns: about 1 KB as JSON. */
export const stepOutput = (name) => ({ step: name, data: payload });
export const fanoutWidth = 20;
export const fanoutStepMs = 50;

/**
 * Serves loads until standard input ends, then exits.
 * @param {Record<'diamond' | 'fanout', (id: string) => Promise<{ step: string }>>} works by name; each runs one graph to its end
 * @param {() => Promise<void>} stop
 */
export async function serve(works, stop) {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  let count = 0;
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const { work, runs, inFlight } = JSON.parse(line);
    const latenciesMs = [];
    let left = runs;
    const began = performance.now();
    const runOne = async () => {
      while (left-- > 0) {
        const startedAt = performance.now();
        const { step } = await works[work](`${process.pid}-${(count += 1)}`);
        if (step !== lastSteps[work]) throw new Error(`${work} ended with step ${step}`);
        latenciesMs.push(performance.now() - startedAt);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, runOne));
    say({ elapsedMs: performance.now() - began, latenciesMs });
  }
  await stop();
  process.exit(0);
}

const lastSteps = { diamond: 'f', fanout: 'last' };
