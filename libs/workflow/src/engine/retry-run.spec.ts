import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { changedApprovals } from './approvals.js';
import { refusalOf } from './refusal.js';

const brief = (events: readonly NewRunEvent[]): string[] =>
  events.map((event) => ('node' in event.data ? `${event.type} ${event.data.node}` : event.type));

function started(nodes: JsonValue[], rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start();
  return run;
}

const chain = [tool('a'), tool('b', { needs: ['a'] }), tool('c', { needs: ['b'] })];
const refusal = (run: TestRun, from?: string) =>
  refusalOf(run.graph, run.state, { type: 'retry', id: 'new', from, now: run.now() });

describe('a run that is retried', () => {
  it('goes on from the node that failed, and keeps what lies before it', () => {
    const run = started(chain, { output: '${{ [nodes.a.output, nodes.b.output, nodes.c.output] }}' });
    run.result('a', completed(1));
    run.result('b', failed('x', false));
    expect(run.view()).toMatchObject({ status: 'failed', error: { node: 'b' } });
    const events = run.retry();
    expect(events[0]).toMatchObject({ type: 'RunRetried', data: { from: ['b'], nodes: ['b', 'c'] } });
    expect(events.slice(1)).toMatchObject([{ type: 'NodeScheduled', data: { node: 'b', attempt: 2 } }]);
    expect(run.view()).toMatchObject({ status: 'running', finishedAt: null, error: null });
    expect(run.result('b', completed(0), 1)).toEqual([]);
    run.result('b', completed(2));
    run.result('c', completed(3));
    expect(run.view()).toMatchObject({ status: 'completed', output: [1, 2, 3] });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('runs a node that ended well again, with everything after it', () => {
    const run = started([...chain, tool('beside')]);
    for (const node of ['a', 'b', 'c', 'beside']) run.result(node);
    expect(run.view().status).toBe('completed');
    expect(brief(run.retry('b'))).toEqual(['RunRetried', 'NodeScheduled b']);
    expect(run.view().steps.map(({ status }) => status)).toEqual(['completed', 'running', 'pending', 'completed']);
    run.result('b');
    expect(run.result('c', completed(), 1)).toEqual([]);
    run.result('c');
    expect(run.view()).toMatchObject({
      status: 'completed',
      steps: [{ attempts: 1 }, { attempts: 2 }, { attempts: 2 }, {}],
    });
  });

  it('takes up what was cancelled beside it', () => {
    const run = started([tool('a'), tool('b'), tool('c')]);
    run.result('a');
    run.result('b', failed('x', false));
    expect(brief(run.retry('b'))).toEqual(['RunRetried', 'NodeScheduled b', 'NodeScheduled c']);
    run.result('b');
    run.result('c');
    expect(run.view().status).toBe('completed');
  });

  it('draws the consequences that a pause had held back before the run was cancelled', () => {
    const run = started(chain);
    run.pause();
    run.result('a');
    run.cancel();
    expect(refusal(run)).toMatchObject({ code: 'nothing_to_retry' });
    expect(brief(run.retry('c'))).toEqual(['RunRetried', 'NodeScheduled b']);
  });

  it('gives a node as many attempts as the first time', () => {
    const run = started([tool('a', { retry: { maxAttempts: 2 } })]);
    run.result('a', failed());
    run.fire(run.timers()[0] ?? never());
    run.result('a', failed());
    expect(run.view().status).toBe('failed');
    run.retry();
    expect(run.result('a', failed())).toMatchObject([{ type: 'NodeRetryScheduled', data: { attempt: 3 } }]);
    run.fire(run.timers()[0] ?? never());
    expect(brief(run.result('a', failed()))).toEqual(['NodeFailed a', 'RunFailed']);
  });

  it('unfolds a map anew, and its attempts go on counting', () => {
    const run = started([{ id: 'm', kind: 'map', over: [1, 2], nodes: [tool('x')], output: '${{ nodes.x.output }}' }]);
    run.result('m[0].x', completed(1));
    run.result('m[1].x', failed('x', false));
    expect(brief(run.retry('m')).slice(1)).toEqual([
      ...['NodeScheduled m', 'MapStarted m', 'NodeScheduled m[0].x', 'NodeScheduled m[1].x'],
    ]);
    expect(run.tasks().map(({ node, attempt }) => [node, attempt])).toEqual([
      ['m[0].x', 2],
      ['m[1].x', 2],
    ]);
    expect(run.result('m[0].x', completed('late'), 1)).toEqual([]);
    run.result('m[0].x', completed(3));
    run.result('m[1].x', completed(4));
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('has its whole time again, and no timer of before fires', () => {
    const run = started([tool('a')], { timeout: '1m' });
    const [first] = run.timers();
    run.result('a', failed('x', false));
    const [second] = run.timersOf(run.retry());
    expect(second).toMatchObject({ timer: 'run-timeout', node: '', attempt: 1 });
    expect(Date.parse(second?.dueAt ?? '') - Date.parse(run.now())).toBe(60_000);
    expect(run.fire(first ?? never())).toEqual([]);
    expect(brief(run.fire(second ?? never()))).toEqual(['RunFailed']);
  });

  it('asks for a decision again, as another approval', () => {
    const asking = {
      id: 'ok',
      kind: 'approval',
      title: 'Go?',
      assignees: ['role:editor'],
      deadline: '1h',
      onTimeout: 'fail',
    };
    const run = started([asking]);
    run.decide('ok', 'reject');
    run.retry();
    const pending = changedApprovals(run.state, [], run.events).filter(({ status }) => status === 'pending');
    expect(pending).toMatchObject([{ node: 'ok', attempt: 2 }]);
    const late = { node: 'ok', attempt: 1, decision: 'approve', data: {}, now: run.now() } as const;
    const message = { type: 'decision', ...late, by: { keyId: 'k', role: 'editor' } } as const;
    expect(refusalOf(run.graph, run.state, message)).toMatchObject({ code: 'approval_decided' });
    expect(brief(run.decide('ok', 'approve'))).toEqual(['ApprovalDecided ok', 'NodeCompleted ok', 'RunCompleted']);
  });

  it('says which generation was cancelled', () => {
    const run = started([tool('a')]);
    expect(run.cancel()).toMatchObject([{ data: { reason: 'enough' } }]);
    run.retry();
    expect(run.cancel()).toMatchObject([{ data: { generation: 1 } }]);
  });

  it('is the same retry when it is asked for again', () => {
    const run = started([tool('a')]);
    run.cancel();
    expect(brief(run.retry('a', 'mine'))).toEqual(['RunRetried', 'NodeScheduled a']);
    expect(run.retry('a', 'mine')).toEqual([]);
    run.cancel();
    expect(run.retry('a', 'mine')).toEqual([]);
    expect(run.view().status).toBe('cancelled');
  });
});

describe('a retry is refused', () => {
  const run = started([...chain, { id: 'm', kind: 'map', over: [1], needs: ['c'], nodes: [tool('x')] }]);

  it('while the run goes on', () => {
    expect(refusal(run)).toMatchObject({ code: 'run_not_ended', kind: 'conflict' });
    expect(run.retry()).toEqual([]);
  });

  it('from a node that is not there, or that runs inside of another', () => {
    run.cancel();
    expect(refusal(run, 'bb')?.message).toContain("Did you mean 'b'?");
    expect(refusal(run, 'bb')).toMatchObject({ code: 'unknown_node', kind: 'not-found' });
    expect(refusal(run, 'm[0].x')).toMatchObject({ code: 'node_inside_container', kind: 'invalid' });
    expect(refusal(run, '__proto__')).toMatchObject({ code: 'unknown_node' });
    expect(run.retry('bb')).toEqual([]);
  });

  it('after too many', () => {
    const often = started([tool('a')]);
    for (let count = 0; count < 100; count += 1) {
      often.cancel();
      expect(often.retry()).toHaveLength(2);
    }
    often.cancel();
    expect(refusal(often)).toMatchObject({ code: 'too_many_retries' });
    expect(often.retry()).toEqual([]);
  });
});

function never(): never {
  throw new Error('There is no such timer.');
}
