import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { threadPlaceOf } from './thread.js';

const counting = graphOf(
  [tool('x', { retry: { maxAttempts: 1 }, with: { tool: 'echo', arguments: { seen: '${{ thread.state }}' } } })],
  {
    timeout: '1h',
    thread: { state: { turns: '${{ thread.state.?turns.orValue(0) + 1 }}', draft: null } },
    output: '${{ [thread.id, thread.version, thread.state.?turns.orValue(0)] }}',
  },
);

function inThread(document: JsonObject = counting): TestRun {
  const run = new TestRun(document);
  run.start({}, 'talk');
  return run;
}
const placeOf = (run: TestRun) => threadPlaceOf(run.state);
const refolds = (run: TestRun) => expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));

describe('a run in a thread', () => {
  it('waits for its turn, reads the state of then, and writes when it completes', () => {
    const run = inThread();
    expect(run.view()).toMatchObject({ status: 'queued', startedAt: null });
    expect([run.tasks(), run.timers()]).toEqual([[], []]);
    expect(placeOf(run)).toEqual({ threadId: 'talk', generation: 0, isTaken: false });

    const entered = run.enter({ turns: 2, draft: 'x' }, 7);
    expect(run.tasksOf(entered)).toMatchObject([
      { node: 'x', input: { arguments: { seen: { turns: 2, draft: 'x' } } } },
    ]);
    expect(run.timersOf(entered)).toEqual(run.timers());
    expect(run.timers()).toMatchObject([{ timer: 'run-timeout', dueAt: new Date(run.time + 3_600_000).toISOString() }]);
    expect(run.view()).toMatchObject({ status: 'running', startedAt: run.now() });
    expect(placeOf(run)?.isTaken).toBe(true);
    expect(run.enter({ turns: 99 }, 8)).toEqual([]);

    run.result('x');
    expect(run.events.at(-1)).toMatchObject({
      type: 'RunCompleted',
      data: { output: ['talk', 7, 2], threadPatch: { turns: 3, draft: null } },
    });
    expect(placeOf(run)).toBeNull();
    refolds(run);
  });

  it('begins nothing while it waits, whatever comes, and can be cancelled', () => {
    const run = inThread();
    run.pause();
    expect(run.view().status).toBe('paused');
    expect(run.enter()).toEqual([]);
    run.resume();
    expect([run.tasks(), run.view().status]).toEqual([[], 'queued']);
    expect(run.tasksOf(run.enter())).toHaveLength(1);
    const other = inThread();
    other.cancel('interrupted');
    expect([other.view().status, placeOf(other), other.enter()]).toEqual(['cancelled', null, []]);
    refolds(other);
  });

  it('writes nothing when it fails, and comes to its thread anew when it is retried', () => {
    const run = inThread();
    run.enter({ turns: 1 }, 1);
    run.result('x', failed('broken', false));
    expect(run.view().status).toBe('failed');
    expect(placeOf(run)).toBeNull();

    run.retry();
    expect([run.view().status, run.tasks(), run.timers()]).toEqual(['queued', [], []]);
    expect(placeOf(run)).toEqual({ threadId: 'talk', generation: 1, isTaken: false });
    expect(run.enter({ turns: 5 }, 6, 0)).toEqual([]);
    expect(run.tasksOf(run.enter({ turns: 5 }, 6, 1))).toMatchObject([{ node: 'x', attempt: 2 }]);
    run.result('x', completed());
    expect(run.events.at(-1)).toMatchObject({ data: { threadPatch: { turns: 6 } } });
    refolds(run);
  });

  it('moves to another version while it waits, and begins there in its turn', () => {
    const run = inThread();
    const other = graphOf([tool('y'), tool('z')], { thread: { state: { moved: true } } });
    expect(run.migrate(other).map(({ type }) => type)).toEqual(['RunMigrated']);
    expect([run.tasks(), run.view().status]).toEqual([[], 'queued']);
    expect(run.tasksOf(run.enter())).toHaveLength(2);
    refolds(run);
    const done = inThread();
    done.enter();
    done.result('x');
    done.retry('x');
    done.pause();
    done.migrate(graphOf([tool('y')], { output: '${{ thread.state }}' }));
    done.resume();
    expect(done.tasks()).toEqual([]);
    done.enter({ turns: 1 }, 3, 1);
    done.result('y');
    expect(done.view()).toMatchObject({ status: 'completed', output: { turns: 1 } });
    refolds(done);
  });

  it('takes its effects back where it is cancelled in line, and ends', () => {
    const charge = tool('charge', {
      effect: { idempotencyKey: '${{ run.id }}', compensate: { tool: 'refund', arguments: {} } },
      timeout: { total: '1h' },
    });
    const run = inThread(graphOf([charge, tool('x', { needs: ['charge'], retry: { maxAttempts: 1 } })]));
    run.enter();
    run.send({ type: 'task-begin', node: 'charge', attempt: 1, claim: 'w', now: run.tick() });
    run.result('charge');
    run.cancel();
    expect(run.view().status).toBe('running');
    expect(placeOf(run)?.isTaken).toBe(true);
    run.result('charge~compensate');
    expect([run.view().status, placeOf(run)]).toEqual(['cancelled', null]);
    refolds(run);
  });

  it('is forked outside of its thread, reading what it read', () => {
    const run = inThread();
    run.enter({ turns: 2 }, 7);
    run.result('x');
    const fork = run.fork('x');
    expect(fork.tasks()).toMatchObject([{ input: { arguments: { seen: { turns: 2 } } } }]);
    expect(placeOf(fork)).toBeNull();
    fork.result('x');
    expect(fork.events.at(-1)).toMatchObject({ type: 'RunCompleted', data: { output: ['talk', 7, 2] } });
    expect(fork.events.at(-1)?.data).not.toHaveProperty('threadPatch');
    refolds(fork);
  });

  it('fails where it would write what a thread cannot hold', () => {
    const writing = (state: unknown) => graphOf([tool('x')], { thread: { state: state as string } });
    for (const [state, code] of [
      ['${{ nodes.x.output }}', 'thread_state_not_an_object'],
      [{ x: '${{ nodes.x.output }}' }, 'thread_state_too_large'],
      ['${{ nodes.x.output.missing }}', 'expression_failed'],
    ] as const) {
      const run = inThread(writing(state));
      run.enter();
      run.result('x', completed('y'.repeat(300_000)));
      expect(run.view()).toMatchObject({ status: 'failed', error: { code } });
    }
  });
});

describe('a run in no thread', () => {
  it('reads an empty state, writes nothing, and says nothing of a thread', () => {
    const run = new TestRun(counting);
    run.start();
    run.result('x');
    expect(run.view()).toMatchObject({ status: 'completed', output: [null, 0, 0] });
    expect(run.events.at(-1)?.data).not.toHaveProperty('threadPatch');
    expect(run.state).not.toHaveProperty('thread');
  });
});

describe('the thread of a graph', () => {
  const violationsOf = (thread: JsonObject | string) => {
    const checked = validateGraph(graphOf([tool('x')], { thread }));
    return 'violations' in checked ? checked.violations : [];
  };
  it('is checked when the graph is', () => {
    expect(violationsOf({})).toEqual([]);
    expect(violationsOf({ onBusy: 'reject', state: { last: '${{ nodes.x.output }}' } })).toEqual([]);
    expect(violationsOf({ onBusy: 'perhaps' })).toMatchObject([{ pointer: '/thread/onBusy' }]);
    expect(violationsOf({ onbusy: 'queue' })).toMatchObject([
      { pointer: '/thread/onbusy', message: expect.stringContaining('onBusy') },
    ]);
    expect(violationsOf({ state: '${{ 1 }}' })).toMatchObject([
      { pointer: '/thread/state', message: expect.stringContaining('object') },
    ]);
    expect(violationsOf({ state: [1] })).toMatchObject([
      { pointer: '/thread/state', message: expect.stringContaining('list') },
    ]);
    expect(violationsOf({ state: { a: '${{ thread.stat }}' } })).toHaveLength(1);
    expect(violationsOf({ state: { a: '${{ nodes.y.output }}' } })).toHaveLength(1);
    expect(violationsOf('queue')).toHaveLength(1);
  });
});
