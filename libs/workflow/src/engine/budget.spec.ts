import { describe, expect, it } from '@jest/globals';
import type { TaskOutcome } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { digestOf } from '../document/digest.js';
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
const pin = (document: JsonObject) => ({ name: 'child', version: 1, digest: digestOf(document), document });
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

  const container = (kind: string, rest: JsonObject): JsonObject => ({
    ...{ id: kind, kind, needs: ['first'], nodes: [tool('inside')] },
    ...rest,
  });
  it.each([
    container('loop', { maxRounds: 2, until: true }),
    { id: 'subgraph', kind: 'subgraph', needs: ['first'], graph: 'child', pinned: pin(graphOf([tool('inside')])) },
    container('map', { over: [1, 2], maxParallel: 2 }),
    container('map', { over: [1, 2], maxParallel: 1 }),
  ])('lets a $kind go on of which it let no node begin', (node) => {
    const run = started([tool('first'), node], { usd: 1, onExceed: 'pause' });
    run.result('first', paid(1));
    expect(run.view().status).toBe('paused');
    run.resume();
    for (let [task] = run.tasks(); task !== undefined; [task] = run.tasks()) run.result(task.node, paid(0.1));
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('lets the next round of a loop begin later', () => {
    const run = started([{ id: 'loop', kind: 'loop', maxRounds: 2, nodes: [tool('inside')] }], {
      ...{ usd: 1, onExceed: 'pause' },
    });
    run.result('loop[0].inside', paid(1));
    expect(run.view().status).toBe('paused');
    run.resume();
    expect(nodesOf(run)).toEqual(['loop[1].inside']);
  });

  it('holds an item of a map back while a later one begins', () => {
    const inside = tool('inside', { when: '${{ item == 1 }}' });
    const map = container('map', { over: [1, 2], maxParallel: 2, nodes: [inside] });
    const run = started([tool('first'), map], { usd: 1, onExceed: 'pause' });
    run.result('first', paid(1));
    expect(run.view()).toMatchObject({ status: 'paused' });
    expect(run.events.filter(({ type }) => type === 'NodeSkipped')).toMatchObject([
      { data: { node: 'map[1].inside' } },
    ]);
    run.resume();
    expect(nodesOf(run)).toEqual(['map[0].inside']);
    run.result('map[0].inside', paid(0));
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
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
