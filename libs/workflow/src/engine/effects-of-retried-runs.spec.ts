import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { completed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const undo = (id: string): JsonObject => ({ tool: 'echo', arguments: { undo: id, of: '${{ output.result }}' } });
const within = { timeout: { total: '1h' }, retry: { maxAttempts: 1 } };
const keyed = (id: string, key: string, rest: JsonObject = {}): JsonObject =>
  tool(id, { ...within, effect: { idempotencyKey: key, compensate: undo(id) }, ...rest });
const careful = (id: string, rest: JsonObject = {}): JsonObject =>
  tool(id, { ...within, effect: { compensate: undo(id) }, ...rest });
const failed = {
  status: 'failed',
  error: { kind: 'invalid', code: 'broken', message: 'It broke.', retryable: false },
} as const;

function started(...nodes: JsonValue[]): TestRun {
  const run = new TestRun(graphOf(nodes));
  run.start();
  return run;
}

const begin = (run: TestRun, node: string) =>
  run.send({ type: 'task-begin', node, attempt: run.attemptOf(node), claim: 'one', now: run.tick() });

/** Lets everything be taken back, and says what was, in its order. */
function takenBack(run: TestRun): { node: string; of: unknown }[] {
  const calls: { node: string; of: unknown }[] = [];
  for (let [task] = run.tasks(); task !== undefined; [task] = run.tasks()) {
    expect(task.idempotencyKey).toMatch(new RegExp(`:${task.node.replaceAll(/[[\]]/g, '.')}$`));
    calls.push({ node: task.node, of: (task.input as { arguments: { of: unknown } }).arguments.of });
    run.result(task.node, completed());
  }
  expect(run.view().status).toBe('failed');
  expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  return calls;
}

describe('a run that completed, is retried, and fails', () => {
  it('takes back what a node did before and what it did again', () => {
    const run = started(careful('a'), tool('b', { needs: ['a'], ...within }));
    begin(run, 'a');
    run.result('a', completed({ result: 'first' }));
    run.result('b', completed());
    run.retry('a');
    begin(run, 'a');
    run.result('a', completed({ result: 'second' }));
    run.result('b', failed);
    expect(takenBack(run)).toEqual([
      { node: 'a~compensate-2', of: 'second' },
      { node: 'a~compensate', of: 'first' },
    ]);
    expect(run.view().steps.map(({ node }) => node)).toEqual(['a', 'a~compensate', 'a~compensate-2', 'b']);
  });

  it('takes back what a node did that it did not come to again', () => {
    const map = { id: 'm', kind: 'map', needs: ['z'], over: [1, 2], as: 'n', nodes: [careful('x')], output: null };
    const run = started(tool('z', within), map);
    run.result('z', completed());
    for (const [index, node] of ['m[0].x', 'm[1].x'].entries()) {
      begin(run, node);
      run.result(node, completed({ result: index }));
    }
    expect(run.view().status).toBe('completed');
    run.retry('z');
    run.result('z', failed);
    expect(takenBack(run)).toEqual([
      { node: 'm[1].x~compensate', of: 1 },
      { node: 'm[0].x~compensate', of: 0 },
    ]);
    expect(run.view().steps.map(({ node }) => node)).toEqual(['z', 'm', 'm[0].x~compensate', 'm[1].x~compensate']);
  });

  it('takes an effect back once that its target knows by one key', () => {
    const run = started(keyed('a', '${{ "a-" + run.id }}'), tool('b', { needs: ['a'], ...within }));
    run.result('a', completed({ result: 'first' }));
    run.result('b', completed());
    run.retry('a');
    run.result('a', completed({ result: 'first' }));
    run.result('b', failed);
    expect(takenBack(run)).toEqual([{ node: 'a~compensate', of: 'first' }]);
  });

  it('takes both back where the key has changed', () => {
    const run = started(tool('z', within), keyed('a', '${{ string(nodes.z.output.result) }}', { needs: ['z'] }));
    const after = (result: string) => {
      run.result('z', completed({ result }));
      run.result('a', completed({ result }));
    };
    after('one');
    run.retry('z');
    after('two');
    run.retry('z');
    after('one');
    run.retry('z');
    run.result('z', failed);
    expect(takenBack(run)).toEqual([
      { node: 'a~compensate', of: 'one' },
      { node: 'a~compensate-2', of: 'two' },
    ]);
  });

  it('whatever is retried how often: each effect is taken back once, the last first', () => {
    const nodeOf = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.array(nodeOf, { maxLength: 6 }),
        nodeOf,
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        (retries, last, keys) => {
          const kind = (id: string, index: number, rest: JsonObject = {}) =>
            keys[index] === true ? keyed(id, `\${{ "${id}" }}`, rest) : careful(id, rest);
          const run = started(
            kind('a', 0),
            kind('b', 1, { needs: ['a'] }),
            kind('c', 2),
            tool('z', { ...within, needs: ['b', 'c'] }),
          );
          let taken: { node: string; of: unknown; key: boolean }[] = [];
          let count = 0;
          const work = (end: () => void) => {
            for (let [task] = run.tasks(); task !== undefined && task.node !== 'z'; [task] = run.tasks()) {
              const { node, idempotencyKey } = task;
              begin(run, node);
              count += 1;
              const key = idempotencyKey !== undefined;
              taken = [...taken.filter((each) => !key || each.node !== node), { node, of: count, key }];
              run.result(node, completed({ result: count }));
            }
            end();
          };
          work(() => run.result('z', completed()));
          for (const node of retries) {
            run.retry(node);
            work(() => run.result('z', completed()));
          }
          run.retry(last);
          work(() => run.result('z', failed));
          const calls = takenBack(run);
          expect(new Set(calls.map(({ node }) => node)).size).toBe(calls.length);
          expect(calls.map(({ node, of }) => ({ node: node.split('~')[0], of }))).toEqual(
            taken.toReversed().map(({ node, of }) => ({ node, of })),
          );
        },
      ),
    );
  });
});
