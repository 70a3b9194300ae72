/** What scenarios are made of. */
import type { TaskOutcome } from '@millrace/contracts';
import type { ErrorKind, JsonObject, JsonValue } from '@millrace/kernel';
import { graphOf, TestRun } from './test-run.js';

export type Scenarios = Readonly<Record<string, () => TestRun>>;

export function started(nodes: JsonValue[], rest: JsonObject = {}, input: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start(input);
  return run;
}

export const costs = (costUsd: number, output: JsonValue = {}): TaskOutcome => ({
  ...{ status: 'completed', output },
  usage: { promptTokens: 100, completionTokens: 10, costUsd },
});
export const fails = (kind: ErrorKind): TaskOutcome => ({
  status: 'failed',
  error: { kind, code: 'broken', message: 'It broke.', retryable: true },
});
export const step = (id: string, needs: string[], output: JsonValue = id): JsonObject => ({
  id,
  kind: 'transform',
  needs,
  output,
});

/** Fires what is due of a kind. */
export function fire(run: TestRun, kind: string): void {
  for (const timer of run.timers().filter((each) => each.timer === kind)) run.fire(timer);
}
export const begins = (run: TestRun, node: string, claim = 'one') =>
  run.send({ type: 'task-begin', node, attempt: run.attemptOf(node), claim, now: run.tick() });
export const granted = (run: TestRun, node: string) =>
  run.send({ type: 'slots-granted', node, attempt: run.attemptOf(node), now: run.tick() });
export const idle = (run: TestRun, node: string) =>
  run.send({ type: 'task-idle', node, attempt: run.attemptOf(node), now: run.tick(), random: run.random });

export const careful = { timeout: { total: '1h' }, effect: {} };
export const undone = (id: string): JsonObject => ({
  timeout: { total: '1h' },
  effect: {
    idempotencyKey: `\${{ "${id}-" + run.id }}`,
    compensate: { tool: 'echo', arguments: { undo: '${{ output.result }}' } },
  },
});
