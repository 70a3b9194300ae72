import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { slotRequestsOf } from './slots.js';

const concurrency = [{ key: 'shop-${{ input.shop }}', limit: 2 }];
const nodes = [tool('a', { retry: { maxAttempts: 1 } }), tool('b', { needs: ['a'] })];

function started(rest: JsonObject = {}, thread?: string): TestRun {
  const run = new TestRun(graphOf(nodes, { concurrency, timeout: '1h', ...rest }));
  run.start({ shop: 'x' }, thread);
  return run;
}
const admit = (run: TestRun, attempt = 0) => run.send({ type: 'slots-granted', node: '', attempt, now: run.tick() });
const requestsOf = (run: TestRun) => slotRequestsOf(run.graph, run.state);
const slots = [{ key: 'runs/shop-x', limit: 2 }];

describe('a run with keys of its own', () => {
  it('waits as queued until they have room, and holds them until it ends', () => {
    const run = started();
    expect(run.view()).toMatchObject({ status: 'queued', startedAt: null });
    expect([run.tasks(), run.timers()]).toEqual([[], []]);
    expect(requestsOf(run)).toEqual([{ node: '', attempt: 0, slots, isTaken: false }]);
    const [event] = admit(run);
    expect(event).toMatchObject({ type: 'RunAdmitted', data: {} });
    expect(run.view()).toMatchObject({ status: 'running', startedAt: event?.at });
    expect(run.timers()).toMatchObject([{ timer: 'run-timeout' }]);
    expect(admit(run)).toEqual([]);
    run.result('a');
    expect(requestsOf(run)).toEqual([{ node: '', attempt: 0, slots, isTaken: true }]);
    run.result('b');
    expect(run.view().status).toBe('completed');
    expect(requestsOf(run)).toEqual([]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is cancelled while it waits, and asks for nothing more', () => {
    const run = started();
    run.cancel();
    expect(run.view().status).toBe('cancelled');
    expect(requestsOf(run)).toEqual([]);
    expect(admit(run)).toEqual([]);
  });

  it('begins after its pause, when it is told again', () => {
    const run = started();
    run.pause();
    expect(admit(run)).toEqual([]);
    run.resume();
    expect(run.view().status).toBe('queued');
    admit(run);
    expect(run.tasks()).toMatchObject([{ node: 'a' }]);
  });

  it('comes to them anew when it is retried, and takes no grant of before', () => {
    const run = started();
    admit(run);
    run.result('a', failed('gone', false));
    run.retry();
    expect(run.view().status).toBe('queued');
    expect(requestsOf(run)).toEqual([{ node: '', attempt: 1, slots, isTaken: false }]);
    expect(admit(run)).toEqual([]);
    expect(admit(run, 1)).toMatchObject([{ type: 'RunAdmitted', data: { generation: 1 } }, { type: 'NodeScheduled' }]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('comes to them after its turn in its thread', () => {
    const run = started({ thread: {} }, 'talk');
    expect([requestsOf(run), admit(run)]).toEqual([[], []]);
    expect(run.enter()).toMatchObject([{ type: 'ThreadEntered' }]);
    expect(requestsOf(run)).toMatchObject([{ isTaken: false }]);
    expect(run.view().status).toBe('queued');
    expect(admit(run).map(({ type }) => type)).toEqual(['RunAdmitted', 'NodeScheduled']);
  });

  it('is held by a fork as well, which goes on from its node when it has room', () => {
    const run = started();
    admit(run);
    run.result('a', completed({ result: 1 }));
    const fork = run.fork('b');
    expect(requestsOf(fork)).toMatchObject([{ node: '', isTaken: false }]);
    expect(fork.tasks()).toEqual([]);
    admit(fork);
    expect(fork.tasks()).toMatchObject([{ node: 'b' }]);
  });

  it.each<[string, JsonObject[], string]>([
    ['is no text', [{ key: '${{ input.shop }}', limit: 1 }], 'invalid_concurrency_key'],
    ['is too long', [{ key: '${{ input.long }}', limit: 1 }], 'invalid_concurrency_key'],
    ['cannot be computed', [{ key: '${{ input.nothing }}', limit: 1 }], 'expression_failed'],
  ])('fails at once where a key %s', (_what, keys, code) => {
    const run = new TestRun(graphOf(nodes, { concurrency: keys }));
    run.start({ shop: 7, long: 'x'.repeat(201) });
    expect(run.view()).toMatchObject({ status: 'failed', error: { code } });
    expect(requestsOf(run)).toEqual([]);
  });
});

describe('keys of whole runs are refused', () => {
  it.each<[string, unknown, string]>([
    ['that read nodes', [{ key: '${{ nodes.a.output }}', limit: 1 }], '/concurrency/0/key'],
    ['that read the thread', [{ key: '${{ thread.id }}', limit: 1 }], '/concurrency/0/key'],
    ['that are no text', [{ key: '${{ 1 }}', limit: 1 }], '/concurrency/0/key'],
    ['twice', [concurrency[0], concurrency[0]], '/concurrency/1/key'],
    ['without a limit', [{ key: 'x' }], '/concurrency/0/limit'],
    ['with a limit of nothing', [{ key: 'x', limit: 0 }], '/concurrency/0/limit'],
    ['with a limit beyond all', [{ key: 'x', limit: 10_001 }], '/concurrency/0/limit'],
    ['of nothing', [], '/concurrency'],
    ['that are too many', Array.from({ length: 5 }, (_, at) => ({ key: `k${at}`, limit: 1 })), '/concurrency'],
    ['with fields that nobody knows', [{ key: 'x', limit: 1, wait: true }], '/concurrency/0/wait'],
  ])('%s', (_what, keys, pointer) => {
    expect(validateGraph(graphOf(nodes, { concurrency: keys as JsonObject[] }))).toMatchObject({
      violations: [{ pointer }],
    });
  });
});
