import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  approvalIdOf,
  eventSubject,
  runApprovalDecidedEvent,
  runApprovalRequestedEvent,
  type Approval,
  type ApprovalDecision,
  type Decider,
} from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, contextOf, ended, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { asking } from '../run/graphs.fixture.js';
import { decide } from './decide-approval.js';

jest.setTimeout(60_000);

const editor: Decider = { keyId: 'key_1', role: 'editor' };

describe.each(backendKinds)('approvals on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { leaseMs: 3_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const answer = (
    runId: string,
    decision: ApprovalDecision,
    {
      by = editor,
      data = { grade: 1 },
      context = acme,
    }: { by?: Decider; data?: JsonObject; context?: typeof acme } = {},
  ): Promise<Approval> => decide(orchestrator, context, { approvalId: approvalIdOf(runId, 'ok'), decision, data, by });
  /** Sends the result of a step until the owner of its run takes it, as a worker does. */
  const finish = (runId: string, node: string) => eventually(() => sendResult(world.bus, runId, { node }));
  const approvalOf = (runId: string) => orchestrator.approvals.get('acme', approvalIdOf(runId, 'ok'));

  it('shows what is asked, and goes on by the decision without doing anything again', async () => {
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    expect(await approvalOf(run.id)).toMatchObject({
      ...{ runId: run.id, node: 'ok', status: 'pending', title: 'Go on?', context: { before: 'completed' } },
      ...{ assignees: ['role:editor'], form: { required: ['grade'] }, decidedAt: null, decidedBy: null, data: null },
    });
    const decided = await answer(run.id, 'approve');
    expect(decided).toMatchObject({
      status: 'approved',
      decidedBy: { kind: 'key', keyId: 'key_1', role: 'editor' },
      data: { grade: 1, note: 'none' },
    });
    expect(await answer(run.id, 'approve')).toEqual(decided);
    await finish(run.id, 'after');
    expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
    expect(await answer(run.id, 'approve')).toEqual(decided);
    const { events } = await orchestrator.reader.events('acme', run.id, { after: 0, limit: 100 });
    const scheduled = events.filter(({ type }) => type === 'NodeScheduled').map(({ data }) => data['node']);
    expect(scheduled).toEqual(['before', 'ok', 'after']);
    expect(events.filter(({ type }) => type === 'ApprovalDecided')).toHaveLength(1);
  });

  it('counts one of many decisions, and refuses another', async () => {
    const other = await world.replica('replica-2', { config: { leaseMs: 3_000 } });
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    const request = { approvalId: approvalIdOf(run.id, 'ok'), data: { grade: 3 } };
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        decide(index % 2 === 0 ? orchestrator : other, acme, {
          ...request,
          decision: index % 3 === 0 ? 'reject' : 'approve',
          by: { keyId: `key_${index}`, role: 'admin' },
        }),
      ),
    );
    const refused = answers.filter((each) => each.status === 'rejected').map(({ reason }) => reason as unknown);
    expect(refused).toHaveLength(9);
    for (const error of refused) expect(error).toMatchObject({ code: 'approval_decided', kind: 'conflict' });
    const [given] = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(await approvalOf(run.id)).toEqual(given);
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    expect(await approvalOf(run.id)).toEqual(given);
  });

  it('is decided only by who is asked, and only as the form says', async () => {
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    const viewer: Decider = { keyId: 'key_2', role: 'viewer' };
    await expect(answer(run.id, 'approve', { by: viewer })).rejects.toMatchObject({ code: 'not_an_assignee' });
    for (const data of [{}, { grade: 'x' }, { grade: 1, note: '\ud800' }] as JsonObject[]) {
      await expect(answer(run.id, 'approve', { data })).rejects.toMatchObject({ code: 'invalid_form' });
    }
    const other = contextOf('other');
    await expect(answer(run.id, 'approve', { context: other })).rejects.toMatchObject({ code: 'unknown_approval' });
    expect(await orchestrator.approvals.list('other', {}, null, 10)).toEqual([]);
    expect(await approvalOf(run.id)).toMatchObject({ status: 'pending' });
  });

  it('waits through a restart, and is decided by the deadline where nobody does', async () => {
    const slow = await start(orchestrator, asking());
    await finish(slow.id, 'before');
    await orchestrator.stop();
    orchestrator = await world.replica('replica-4', { config: { leaseMs: 3_000 } });
    expect(await answer(slow.id, 'reject')).toMatchObject({ status: 'rejected' });
    expect(await ended(orchestrator, slow.id)).toMatchObject({
      status: 'failed',
      error: { code: 'approval_rejected' },
    });

    for (const [onTimeout, status] of [
      ['approve', 'approved'],
      ['reject', 'rejected'],
      ['fail', 'expired'],
    ] as const) {
      const run = await start(orchestrator, asking({ onTimeout, deadline: '100ms' }));
      await finish(run.id, 'before');
      await eventually(async () => (await approvalOf(run.id)).status !== 'pending');
      expect(await approvalOf(run.id)).toMatchObject({ status, decidedBy: { kind: 'deadline' }, data: null });
      await expect(answer(run.id, 'approve')).rejects.toMatchObject({ code: 'approval_decided' });
    }
  });

  it('is cancelled with its run, in the batch of its beginning too', async () => {
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    expect(await approvalOf(run.id)).toMatchObject({ status: 'cancelled', decidedBy: null });
    await expect(answer(run.id, 'approve')).rejects.toMatchObject({ code: 'approval_decided' });

    const hasty = await start(orchestrator, asking());
    await Promise.all([
      finish(hasty.id, 'before'),
      orchestrator.runs.cancel(acme, { runId: hasty.id, reason: 'enough' }),
    ]);
    const found = await orchestrator.approvals.list('acme', { runId: hasty.id }, null, 10);
    expect(found.filter(({ status }) => status === 'pending')).toEqual([]);
  });

  it('lists by status and run, page by page, newest first', async () => {
    const before = (await orchestrator.approvals.list('acme', {}, null, 200)).length;
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    const all = await orchestrator.approvals.list('acme', {}, null, 200);
    expect(all).toHaveLength(before + 1);
    expect(all.map(({ requestedAt }) => requestedAt)).toEqual(
      all
        .map(({ requestedAt }) => requestedAt)
        .sort()
        .reverse(),
    );
    const [first] = all;
    const cursor = { requestedAt: first?.requestedAt ?? '', approvalId: first?.id ?? '' };
    expect(await orchestrator.approvals.list('acme', {}, cursor, 200)).toEqual(all.slice(1));
    const pending = await orchestrator.approvals.list('acme', { status: 'pending', runId: run.id }, null, 200);
    expect(pending.map(({ runId }) => runId)).toEqual([run.id]);
    await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
  });

  it('is announced, and so is its decision', async () => {
    const heard: unknown[] = [];
    const subscriptions = await Promise.all(
      [runApprovalRequestedEvent, runApprovalDecidedEvent].map((contract) =>
        world.bus.subscribe(eventSubject(contract, 'acme'), ({ envelope }) => void heard.push(envelope.data)),
      ),
    );
    const run = await start(orchestrator, asking());
    await finish(run.id, 'before');
    await answer(run.id, 'approve');
    await eventually(() => heard.length === 2);
    const approvalId = approvalIdOf(run.id, 'ok');
    expect(heard).toMatchObject([
      { runId: run.id, approvalId, title: 'Go on?', assignees: ['role:editor'] },
      { runId: run.id, approvalId, outcome: 'approved', by: { keyId: 'key_1' } },
    ]);
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  });
});
