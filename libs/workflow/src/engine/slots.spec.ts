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

describe('a sequential lane', () => {
  const keysOf = (node: JsonObject) => requestsOf(started(node)).map(({ slots }) => slots);

  it.each<[string, JsonObject, string]>([
    ['a provider', { kind: 'llm', with: { prompt: 'a/b@1', model: 'openai/gpt-5-mini' } }, 'lane/llm/openai'],
    ['a route', { kind: 'llm', with: { prompt: 'a/b@1', model: 'route:cheap' } }, 'lane/llm/route:cheap'],
    ['the configured model', { kind: 'llm', with: { prompt: 'a/b@1' } }, 'lane/llm/'],
    ['a tool', { kind: 'tool', with: { tool: '${{ input.shop }}' } }, 'lane/tool/a'],
    ['a host', { kind: 'http', with: { url: 'https://shop.example:8443/x?y' } }, 'lane/http/shop.example:8443'],
    ['no host', { kind: 'http', with: { url: 'nowhere' } }, 'lane/http/'],
    [
      'the same host',
      { kind: 'browser', with: { url: 'https://shop.example/', collection: 'c' } },
      'lane/http/shop.example',
    ],
    ['a collection', { kind: 'search', with: { collection: 'guides', query: 'x' } }, 'lane/search/guides'],
    ['a source', { kind: 'database', with: { source: 'shop', sql: 'select 1' } }, 'lane/database/shop'],
    ['a suite', { kind: 'evaluate', with: { suite: 'seo', article: {} } }, 'lane/evaluate/seo'],
    ['a program', { kind: 'worker', worker: 'prices', timeout: { total: '1m' } }, 'lane/worker/prices'],
  ])('is one for %s', (_what, node, key) => {
    expect(keysOf({ id: 'x', lane: 'sequential', ...node })).toEqual([[{ key, limit: 1 }]]);
  });

  it('stands beside shared keys, is held until the node ends, and is none where the lane is parallel', () => {
    const run = started(shared({ lane: 'sequential' }));
    expect(requestsOf(run)).toMatchObject([
      {
        slots: [
          { key: 'shop-a', limit: 2 },
          { key: 'lane/tool/echo', limit: 1 },
        ],
      },
    ]);
    grant(run);
    run.result('x', failed());
    expect(requestsOf(run)).toMatchObject([{ isTaken: true }]);
    for (const timer of run.timers()) run.fire(timer);
    run.result('x', completed());
    expect(requestsOf(run)).toEqual([]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
    expect(started(tool('x', { lane: 'parallel' })).tasks()).toHaveLength(1);
  });

  it('has a key of bounded length, whatever its target is called', () => {
    const [[slot] = []] = keysOf(tool('x', { lane: 'sequential', with: { tool: 'é'.repeat(5_000) } }));
    expect(slot?.key).toMatch(/^lane\/tool\/[0-9a-f]{64}$/);
  });

  it("holds each call of an agent's model, and none of its tools", () => {
    const run = started({
      id: 'x',
      kind: 'agent',
      lane: 'sequential',
      tools: ['echo'],
      with: { prompt: 'Go.', model: 'openai/a' },
    });
    expect(run.tasks()).toHaveLength(1);
    run.result('x[0].tools', completed({ result: { tools: [{ name: 'echo', arguments: {} }] } }));
    expect(run.tasks()).toEqual([]);
    const [request] = requestsOf(run);
    expect(request).toMatchObject({ node: 'x[0].rounds[0].model', slots: [{ key: 'lane/llm/openai', limit: 1 }] });
    grant(run, 'x[0].rounds[0].model');
    const toolCalls = [{ id: 'a', name: 'echo', arguments: '{}' }];
    run.result('x[0].rounds[0].model', completed({ text: '', toolCalls }));
    expect(requestsOf(run)).toEqual([]);
    expect(run.tasks()).toMatchObject([{ node: 'x[0].rounds[0].calls[0].call' }]);
  });

  it.each(['serial', null, 3])('cannot be called %s', (lane) => {
    expect(validateGraph(graphOf([tool('x', { lane })]))).toMatchObject({ violations: [{ pointer: '/nodes/0/lane' }] });
  });
});

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
