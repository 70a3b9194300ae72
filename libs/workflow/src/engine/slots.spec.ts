import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { slotRequestsOf } from './slots.js';

const shared = (rest: JsonObject = {}) =>
  tool('x', { concurrency: [{ key: 'shop-${{ input.shop }}', limit: 2 }], ...rest });

function started(...nodes: JsonObject[]): TestRun {
  const run = new TestRun(graphOf(nodes));
  run.start({ shop: 'a' });
  return run;
}
const grant = (run: TestRun, node = 'x', attempt = 1) =>
  run.send({ type: 'slots-granted', node, attempt, now: run.tick() });
const requestsOf = (run: TestRun) => slotRequestsOf(run.graph, run.state);

describe('a node with a shared key', () => {
  it('waits for room, and holds it until it ends', () => {
    const run = started(shared());
    expect(run.tasks()).toEqual([]);
    expect(run.view().steps[0]?.status).toBe('waiting');
    const request = { node: 'x', attempt: 1, slots: [{ key: 'shop-a', limit: 2 }] };
    expect(requestsOf(run)).toEqual([{ ...request, isTaken: false }]);
    expect(run.tasksOf(grant(run))).toMatchObject([{ node: 'x' }]);
    expect(requestsOf(run)).toEqual([{ ...request, isTaken: true }]);
    expect(grant(run)).toEqual([]);
    run.result('x', failed());
    expect(requestsOf(run)).toEqual([{ ...request, isTaken: true }]);
    for (const timer of run.timers()) run.fire(timer);
    expect(run.tasks()).toMatchObject([{ attempt: 2 }]);
    run.result('x', completed());
    expect(requestsOf(run)).toEqual([]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('gives it back when its time is up, its run is cancelled, or what is around it fails', () => {
    const late = started(shared({ timeout: { total: '1s' }, onError: 'continue' }));
    for (const timer of late.timers()) late.fire(timer);
    expect(requestsOf(late)).toEqual([]);
    const cancelled = started(shared());
    cancelled.cancel();
    expect(requestsOf(cancelled)).toEqual([]);
    const nodes = [shared(), tool('y', { retry: { maxAttempts: 1 } })];
    const inside = started({ id: 'm', kind: 'map', over: [1], nodes, onError: 'continue' }, tool('z'));
    inside.result('m[0].y', failed());
    expect(requestsOf(inside)).toEqual([]);
  });

  it('begins nothing while its run is paused, and is told again', () => {
    const run = started(shared());
    run.pause();
    expect(grant(run)).toEqual([]);
    run.resume();
    expect(run.tasksOf(grant(run))).toHaveLength(1);
  });

  it('costs nothing where no node has one', () => {
    const run = started(tool('x'));
    expect(run.graph.shares).toBe(false);
    expect(run.events.map(({ type }) => type)).toEqual(['RunStarted', 'NodeScheduled']);
  });

  it.each(['', 'x'.repeat(201)])('fails where that is none: %j', (key) => {
    const run = started(tool('x', { concurrency: [{ key: `\${{ "${key}" }}`, limit: 1 }] }));
    expect(run.view().error).toMatchObject({ code: 'invalid_concurrency_key' });
  });

  it.each<[JsonObject, string]>([
    [{ concurrency: [] }, '/nodes/0/concurrency'],
    [{ concurrency: [{ key: 'a', limit: 0 }] }, '/nodes/0/concurrency/0/limit'],
    [{ concurrency: [{ key: 'a', limit: -1 }] }, '/nodes/0/concurrency/0/limit'],
    [{ concurrency: [{ limit: 1 }] }, '/nodes/0/concurrency/0/key'],
    [{ concurrency: [{ key: '${{ 1 }}', limit: 1 }] }, '/nodes/0/concurrency/0/key'],
    [{ concurrency: ['a', 'a'].map((key) => ({ key, limit: 1 })) }, '/nodes/0/concurrency/1/key'],
    [{ concurrency: ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key, limit: 1 })) }, '/nodes/0/concurrency'],
  ])('is refused with %j', (rest, pointer) => {
    expect(validateGraph(graphOf([tool('x', rest)]))).toMatchObject({ violations: [{ pointer }] });
  });
});
