import { describe, expect, it } from '@jest/globals';
import { newRunEventSchema } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

function started(nodes: JsonValue[], rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start({ topic: 'mills' });
  return run;
}

const chain = [tool('a'), tool('b', { needs: ['a'] }), tool('c', { needs: ['b'] })];
const output = { output: '${{ [nodes.a.output, nodes.b.output, nodes.c.output] }}' };

describe('a fork', () => {
  it('takes along what lies before its node, and says where it comes from', () => {
    const run = started(chain, output);
    for (const [index, node] of ['a', 'b', 'c'].entries()) run.result(node, completed(index));
    const fork = run.fork('b');
    expect(fork.events).toMatchObject([
      { type: 'RunStarted', data: { input: { topic: 'mills' }, forkedFrom: { position: 8, node: 'b' } } },
      { type: 'NodeReused', data: { node: 'a', kind: 'tool', end: { status: 'completed', output: 0 } } },
      { type: 'NodeScheduled', data: { node: 'b', attempt: 1 } },
    ]);
    for (const event of fork.events) expect(newRunEventSchema.parse(event)).toEqual(event);
    fork.result('b', completed(7));
    fork.result('c', completed(8));
    expect(fork.view()).toMatchObject({ status: 'completed', output: [0, 7, 8], steps: [{ attempts: 0 }, {}, {}] });
    expect(snapshotOf(fork.refolded())).toEqual(snapshotOf(fork.state));
    expect(run.view().output).toEqual([0, 1, 2]);
  });

  it('gives its node another input at every attempt, and the run another one', () => {
    const run = started([tool('a', { with: { tool: 'echo', arguments: { topic: '${{ input.topic }}' } } })]);
    const changed = run.fork('a', { with: { tool: 'echo', arguments: { topic: 'dams' } } });
    expect(changed.tasks()).toMatchObject([{ input: { arguments: { topic: 'dams' } } }]);
    changed.result('a', failed());
    changed.fire(changed.timers()[0] ?? never());
    expect(changed.tasks()).toMatchObject([{ attempt: 2, input: { arguments: { topic: 'dams' } } }]);
    expect(snapshotOf(changed.refolded())).toEqual(snapshotOf(changed.state));
    expect(run.fork('a', { input: { topic: 'weirs' } }).tasks()).toMatchObject([
      { input: { arguments: { topic: 'weirs' } } },
    ]);
  });

  it('begins at a node of a run that goes on, and runs what had not ended beside it', () => {
    const run = started([tool('a'), tool('b'), tool('c', { needs: ['a'] })]);
    run.result('a');
    const fork = run.fork('c');
    expect(fork.tasks().map(({ node }) => node)).toEqual(['b', 'c']);
  });

  it('takes skipped nodes, failures that led on, and whole maps along', () => {
    const nodes = [
      tool('risky', { onError: { goto: 'plan-b' } }),
      tool('plan-a', { needs: ['risky'] }),
      tool('plan-b', { needs: ['risky'] }),
      { id: 'm', kind: 'map', over: [1], nodes: [tool('x')], output: '${{ nodes.x.output }}' },
      tool('last', { needs: ['plan-a', 'plan-b', 'm'] }),
    ];
    const run = started(nodes, { output: '${{ [nodes.m.output[0], nodes.risky.error.code] }}' });
    run.result('risky', failed('x', false));
    run.result('plan-b');
    run.result('m[0].x', completed(5));
    const fork = run.fork('last');
    expect(fork.view().steps.map(({ node, status }) => [node, status])).toEqual([
      ['risky', 'failed'],
      ['plan-a', 'skipped'],
      ['plan-b', 'completed'],
      ['m', 'completed'],
      ['last', 'running'],
    ]);
    fork.result('last');
    expect(fork.view()).toMatchObject({ status: 'completed', output: [5, 'x'] });
    fork.retry('plan-b');
    fork.result('plan-b');
    fork.result('last');
    expect(fork.view()).toMatchObject({ status: 'completed' });
  });

  it('ends as the run itself does, wherever it begins', () => {
    const shape = fc.array(fc.array(fc.nat(6), { maxLength: 3 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(shape, fc.nat(6), fc.nat(6), (needs, done, place) => {
        const nodes = needs.map((list, index) =>
          tool(`n${index}`, {
            needs: [...new Set(list.map((need) => need % (index || 1)))]
              .filter((need) => need < index)
              .map((need) => `n${need}`),
          }),
        );
        const ids = nodes.map(({ id }) => id as string);
        const run = started(nodes, { output: ids.map((id) => `\${{ nodes.${id}.output }}`) });
        for (let count = 0; count < done; count += 1) finishOne(run);
        const from = ids[place % ids.length] ?? '';
        const fork = attempt(() => run.fork(from));
        while (finishOne(run));
        if (fork === null) return;
        while (finishOne(fork));
        expect(fork.view()).toMatchObject({ status: 'completed', output: run.view().output });
        expect(snapshotOf(fork.refolded())).toEqual(snapshotOf(fork.state));
      }),
    );
  });
});

describe('a fork is refused', () => {
  it('where the run has not come to, inside of a map, and at no node', () => {
    const run = started([...chain, { id: 'm', kind: 'map', over: [1], nodes: [tool('x')] }]);
    expect(() => run.fork('c')).toThrow(expect.objectContaining({ code: 'fork_not_reached', kind: 'conflict' }));
    expect(() => run.fork('m[0].x')).toThrow(expect.objectContaining({ code: 'node_inside_container' }));
    expect(() => run.fork('nowhere')).toThrow(expect.objectContaining({ code: 'unknown_node', kind: 'not-found' }));
    run.result('a', failed('x', false));
    expect(() => run.fork('b')).toThrow(expect.objectContaining({ code: 'fork_not_reached' }));
  });

  it('where a node takes no other input', () => {
    const run = started([{ id: 'n', kind: 'transform', output: 1 }]);
    expect(() => run.fork('n', { with: {} })).toThrow(expect.objectContaining({ code: 'input_not_changeable' }));
    expect(run.fork('n').view().status).toBe('completed');
  });
});

/** Ends one task that is outstanding with an output of its own. */
function finishOne(run: TestRun): boolean {
  const [task] = run.tasks();
  if (task === undefined) return false;
  run.result(task.node, completed({ node: task.node }));
  return true;
}

function attempt(fork: () => TestRun): TestRun | null {
  try {
    return fork();
  } catch {
    return null;
  }
}

function never(): never {
  throw new Error('There is no such timer.');
}
