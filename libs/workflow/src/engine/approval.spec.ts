import { describe, expect, it } from '@jest/globals';
import type { Decider, NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { editor, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { changedApprovals } from './approvals.js';
import { refusalOf } from './refusal.js';

const typesOf = (events: readonly NewRunEvent[]): string[] => events.map(({ type }) => type);

const form = {
  type: 'object',
  required: ['grade'],
  properties: { grade: { type: 'integer' }, note: { type: 'string', default: '-' } },
};
const approval = (rest: JsonObject = {}): JsonObject => ({
  id: 'ok',
  kind: 'approval',
  title: 'Publish ${{ input.topic }}?',
  with: { topic: '${{ input.topic }}' },
  assignees: ['role:editor'],
  deadline: '2h',
  onTimeout: 'fail',
  ...rest,
});

function started(rest: JsonObject = {}, more: JsonValue[] = [], input: JsonObject = { topic: 'mills' }): TestRun {
  const run = new TestRun(graphOf([approval(rest), ...more], { output: '${{ nodes.ok.output }}' }));
  run.start(input);
  return run;
}

const refusal = (run: TestRun, rest: { by?: Decider; data?: JsonObject; node?: string } = {}) => {
  const { by = editor, data = {}, node = 'ok' } = rest;
  const message = { node, attempt: run.attemptOf(node), decision: 'approve', data, by, now: run.now() } as const;
  return refusalOf(run.graph, run.state, { type: 'decision', ...message });
};

describe('an approval', () => {
  it('asks, and waits for a decision', () => {
    const run = started();
    expect(run.events.at(-1)).toMatchObject({
      type: 'ApprovalRequested',
      data: { title: 'Publish mills?', context: { topic: 'mills' }, deadlineAt: '2026-01-01T02:00:01.000Z' },
    });
    expect(run.view().steps).toMatchObject([{ status: 'waiting' }]);
    expect(run.tasks()).toEqual([]);
    expect(run.timers()).toMatchObject([{ timer: 'timeout', node: 'ok', dueAt: '2026-01-01T02:00:01.000Z' }]);
    expect(run.result('ok')).toEqual([]);
  });

  it('goes on when it is approved, with what the form brought, and runs nothing again', () => {
    const before = tool('before');
    const run = new TestRun(
      graphOf([before, approval({ needs: ['before'], form }), tool('after', { needs: ['ok'] })], {
        output: '${{ nodes.ok.output }}',
      }),
    );
    run.start({ topic: 'x' });
    run.result('before');
    expect(typesOf(run.decide('ok', 'approve', { data: { grade: 2 } }))).toEqual([
      ...['ApprovalDecided', 'NodeCompleted', 'NodeScheduled'],
    ]);
    run.result('after');
    const output = { decision: 'approved', data: { grade: 2, note: '-' }, by: 'key_editor' };
    expect(run.view()).toMatchObject({ status: 'completed', output });
    const scheduled = run.events.flatMap((event) => (event.type === 'NodeScheduled' ? event.data.node : []));
    expect(scheduled).toEqual(['before', 'ok', 'after']);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is decided once', () => {
    const run = started({}, [tool('other')]);
    run.decide('ok', 'approve');
    expect(run.decide('ok', 'reject')).toEqual([]);
    expect(refusal(run)).toMatchObject({ code: 'approval_decided', kind: 'conflict' });
    expect(refusal(run, { node: 'other' })).toMatchObject({ code: 'approval_decided' });
    expect(refusal(run, { node: 'nowhere' })).toMatchObject({ code: 'approval_decided' });
    expect(run.view().steps).toMatchObject([{ status: 'completed' }, { status: 'running' }]);
  });

  it('fails when it is rejected, or goes on if told so', () => {
    const failing = started();
    failing.decide('ok', 'reject');
    expect(failing.view()).toMatchObject({ status: 'failed', error: { code: 'approval_rejected', node: 'ok' } });
    const going = started({ onReject: 'continue' });
    going.decide('ok', 'reject');
    expect(going.view()).toMatchObject({ status: 'completed', output: { decision: 'rejected', by: 'key_editor' } });
  });

  it.each<[string, JsonObject, string, string]>([
    ['approve', {}, 'completed', 'approved'],
    ['reject', {}, 'failed', 'approval_rejected'],
    ['reject', { onReject: 'continue' }, 'completed', 'rejected'],
    ['fail', {}, 'failed', 'approval_expired'],
    ['fail', { onReject: 'continue' }, 'failed', 'approval_expired'],
  ])('%ss at its deadline with %j', (onTimeout, rest, status, word) => {
    const run = started({ onTimeout, ...rest });
    const [timer] = run.timers();
    if (timer) run.fire(timer);
    expect(run.view().status).toBe(status);
    expect(JSON.stringify(run.view())).toContain(word);
    expect(run.events.find(({ type }) => type === 'ApprovalDecided')?.data).toMatchObject({ by: { kind: 'deadline' } });
  });

  it.each<[string[], Decider, boolean]>([
    [['role:editor'], { keyId: 'a', role: 'viewer' }, false],
    [['role:editor'], { keyId: 'a', role: 'editor' }, true],
    [['role:editor'], { keyId: 'a', role: 'admin' }, true],
    [['role:admin'], { keyId: 'a', role: 'editor' }, false],
    [['key:a'], { keyId: 'a', role: 'viewer' }, true],
    [['key:a'], { keyId: 'b', role: 'admin' }, false],
    [['key:b', 'role:admin'], { keyId: 'a', role: 'editor' }, false],
    [['key:b', 'role:viewer'], { keyId: 'a', role: 'viewer' }, true],
  ])('of %j asks of %j: %j', (assignees, by, may) => {
    const run = started({ assignees });
    expect(refusal(run, { by })?.code).toBe(may ? undefined : 'not_an_assignee');
    expect(run.decide('ok', 'approve', { by }).length > 0).toBe(may);
  });

  it('takes only what fits its form', () => {
    const run = started({ form });
    const wrong: JsonObject[] = [{}, { grade: 'good' }, { grade: 1.5 }, { grade: 1, note: '\0' }];
    for (const data of wrong) {
      expect(refusal(run, { data })).toMatchObject({ code: 'invalid_form', kind: 'invalid' });
      expect(run.decide('ok', 'approve', { data })).toEqual([]);
    }
    expect(refusal(run, { data: {} })?.violations).toMatchObject([{ pointer: '/data/grade' }]);
    expect(refusal(run, { data: {}, by: { keyId: 'a', role: 'viewer' } })).toMatchObject({ code: 'not_an_assignee' });
  });

  it.each<[JsonObject, JsonObject, string]>([
    [{ title: '${{ input.topic }}' }, { topic: 7 }, 'invalid_approval'],
    [{ title: '${{ input.topic }}' }, { topic: 'x'.repeat(501) }, 'invalid_approval'],
    [{ assignees: ['key:${{ input.topic }}'] }, { topic: 'a b' }, 'invalid_approval'],
    [{}, { topic: 'x'.repeat(70_000) }, 'invalid_approval'],
    [{ title: '${{ input.missing }}' }, { topic: '' }, 'expression_failed'],
  ])('of %j fails', (rest, input, code) => {
    expect(started({ title: 'Go?', ...rest }, [], input).view()).toMatchObject({ status: 'failed', error: { code } });
  });
});

describe('changedApprovals', () => {
  it('follows an approval from the question to the decision', () => {
    const run = started({ form });
    const [asked, ...others] = changedApprovals(run.state, [], run.events);
    expect(others).toEqual([]);
    expect(asked).toMatchObject({ node: 'ok', status: 'pending', form, decidedAt: null });
    const [decided] = changedApprovals(
      run.state,
      asked ? [asked] : [],
      run.decide('ok', 'approve', { data: { grade: 1 } }),
    );
    expect(decided).toMatchObject({
      status: 'approved',
      data: { grade: 1, note: '-' },
      decidedBy: { keyId: 'key_editor' },
    });
    expect(changedApprovals(run.state, [], run.events)).toEqual([{ ...decided }]);
  });

  it('cancels with the run, and with the map around', () => {
    const run = started();
    const asked = changedApprovals(run.state, [], run.events);
    expect(changedApprovals(run.state, asked, run.cancel())).toMatchObject([{ status: 'cancelled' }]);

    const inside = [approval({ id: 'x' }), tool('bad')];
    const map = new TestRun(
      graphOf([{ id: 'm', kind: 'map', over: [1], onError: 'continue', nodes: inside }, tool('z')]),
    );
    map.start({ topic: 't' });
    const pending = changedApprovals(map.state, [], map.events);
    expect(pending).toMatchObject([{ node: 'm[0].x', status: 'pending' }]);
    map.result('m[0].bad', { status: 'failed', error: { kind: 'invalid', code: 'x', message: '', retryable: false } });
    expect(map.view().status).toBe('running');
    expect(changedApprovals(map.state, pending, map.events.slice(-2))).toMatchObject([
      { node: 'm[0].x', status: 'cancelled' },
    ]);
  });
});
