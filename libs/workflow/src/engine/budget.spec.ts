import { describe, expect, it } from '@jest/globals';
import type { TaskOutcome } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const paid = (costUsd: number): TaskOutcome => ({
  status: 'completed',
  output: {},
  usage: { promptTokens: 0, completionTokens: 0, costUsd },
});
const estimate = (usd: number): JsonObject => ({ estimate: { usd } });

function started(nodes: JsonObject[], budget: JsonObject): TestRun {
  const run = new TestRun(graphOf(nodes, { budget }));
  run.start();
  return run;
}
const nodesOf = (run: TestRun) => run.tasks().map(({ node }) => node);
const chain = [tool('a'), tool('b', { needs: ['a'] }), tool('c', { needs: ['b'] })];

describe('a budget', () => {
  it('fails the run before what it does not allow', () => {
    const run = started(chain, { usd: 1 });
    run.result('a', paid(0.6));
    run.result('b', paid(0.4));
    expect(run.view()).toMatchObject({ status: 'failed', error: { code: 'budget_exceeded', node: 'c' } });
  });

  it('reserves what attempts under way cost at most', () => {
    const nodes = ['a', 'b', 'c'].map((id) => tool(id, estimate(0.4)));
    const run = started(nodes, { usd: 1, onExceed: 'pause' });
    expect(nodesOf(run)).toEqual(['a', 'b']);
    expect(run.view().status).toBe('paused');
  });

  it('waits to be resumed, and then allows as much again', () => {
    const run = started(chain, { usd: 1, onExceed: 'pause' });
    run.result('a', paid(1));
    expect(run.view().status).toBe('paused');
    expect(run.events.at(-1)).toMatchObject({ type: 'RunPaused', data: { overBudget: true } });
    run.resume();
    expect(nodesOf(run)).toEqual(['b']);
    run.result('b', paid(1));
    run.resume();
    run.result('c', paid(1));
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('does without what it does not allow', () => {
    const free = { id: 'end', kind: 'transform', needs: ['a'], output: 1 };
    const run = started([...chain, free], { usd: 1, onExceed: 'degrade' });
    run.result('a', paid(2));
    expect(run.view().status).toBe('completed');
    expect(run.view().steps.map(({ node, status }) => [node, status])).toEqual([
      ['a', 'completed'],
      ['b', 'skipped'],
      ['c', 'skipped'],
      ['end', 'completed'],
    ]);
  });

  it('limits for how long work begins', () => {
    const run = started(chain, { wallClock: '1m', onExceed: 'pause' });
    run.time += 70_000;
    run.result('a', paid(0));
    expect(run.view().status).toBe('paused');
    run.resume();
    expect(nodesOf(run)).toEqual(['b']);
  });

  it.each<[string, string]>([
    ['pause', 'paused'],
    ['fail', 'failed'],
    ['degrade', 'failed'],
  ])('is looked at before another attempt: %s', (onExceed, status) => {
    const run = started([tool('a', estimate(0.5)), tool('b', estimate(0.5))], { usd: 1, onExceed });
    run.result('a', failed());
    run.result('b', paid(1));
    for (const timer of run.timers()) run.fire(timer);
    expect(run.view().status).toBe(status);
    if (onExceed !== 'pause') return;
    run.resume();
    for (const timer of run.timers()) run.fire(timer);
    expect(run.tasks()).toMatchObject([{ node: 'a', attempt: 2 }]);
  });

  it('is never exceeded by what is spent and reserved, where estimates hold, and every run goes on', () => {
    const costs = fc.array(fc.record({ estimated: fc.nat(10), part: fc.nat(100), needs: fc.nat(3) }), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        costs,
        fc.integer({ min: 10, max: 40 }),
        fc.constantFrom('pause', 'fail', 'degrade'),
        (list, cents, onExceed) => {
          const nodes = list.map(({ estimated, needs }, index) =>
            tool(`n${index}`, {
              ...estimate(estimated / 100),
              needs: index < needs + 1 ? [] : [`n${index - needs - 1}`],
            }),
          );
          const run = started(nodes, { usd: cents / 100, onExceed });
          let raises = 0;
          for (let turn = 0; turn < 200 && run.state.status === 'running'; turn += 1) {
            const under = run.tasks().map(({ node }) => list[Number(node.slice(1))]?.estimated ?? 0);
            const spent = run.view().usage.costUsd + under.reduce((sum, each) => sum + each / 100, 0);
            expect(spent).toBeLessThanOrEqual((cents / 100) * (1 + raises) + 1e-6);
            const [task] = run.tasks();
            if (task) {
              const { estimated = 0, part = 0 } = list[Number(task.node.slice(1))] ?? {};
              run.result(task.node, paid((estimated * part) / 10_000));
            } else {
              expect(onExceed).toBe('pause');
              run.resume();
              raises += 1;
            }
          }
          expect(run.state.status).not.toBe('running');
          expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
        },
      ),
    );
  });

  it.each<[JsonObject, string]>([
    [{ budget: {} }, '/budget'],
    [{ budget: { usd: 0 } }, '/budget/usd'],
    [{ budget: { usd: -1 } }, '/budget/usd'],
    [{ budget: { usd: 1e9 } }, '/budget/usd'],
    [{ budget: { wallClock: '400d' } }, '/budget/wallClock'],
    [{ budget: { usd: 1, onExceed: 'hope' } }, '/budget/onExceed'],
    [{ budget: { usd: 0.1 } }, '/nodes/0/estimate/usd'],
  ])('is refused with %j', (rest, pointer) => {
    expect(validateGraph(graphOf([tool('x', estimate(0.5))], rest))).toMatchObject({ violations: [{ pointer }] });
  });
});
