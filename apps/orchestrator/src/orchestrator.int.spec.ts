import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  envelopeOf,
  eventSubject,
  liveEventsSubject,
  liveFollowedSubject,
  liveRunFollowed,
  partitionCount,
  partitionOf,
  runCancelledEvent,
  runCompletedEvent,
  type RunEvent,
} from '@millrace/contracts';
import type { IncomingMessage } from '@millrace/messaging';
import { type MillraceError } from '@millrace/kernel';
import { backendKinds, deferred, eventually } from '@millrace/testing';
import type { Orchestrator } from './orchestrator.js';
import { acme, contextOf, ended, newRunId, sendResult, start, World } from './orchestrator.fixture.js';
import { choosy, diamond, impatient, instant, single, unstorable } from './run/graphs.fixture.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('the orchestrator on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1', { config: { reconcileAfterMs: 60_000 } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const events = async (runId: string, tenantId = 'acme') =>
    (await orchestrator.reader.events(tenantId, runId, { after: 0, limit: 1_000 })).events;

  it('runs a diamond to its end, with live steps on the way', async () => {
    const worker = await world.worker();
    const run = await start(orchestrator, diamond);
    expect(run).toMatchObject({ status: 'running', input: {}, finishedAt: null, graph: { version: 1 } });
    const done = await ended(orchestrator, run.id);
    expect(done).toMatchObject({ status: 'completed', error: null });
    expect(done.steps.map((step) => [step.node, step.status])).toEqual(
      [...'abcdef'].map((node) => [node, 'completed']),
    );
    const stored = await events(run.id);
    expect(stored.map((event) => event.position)).toEqual(stored.map((_, index) => index + 1));
    expect(stored.filter((event) => event.type === 'NodeCompleted')).toHaveLength(6);
    await worker.drain({ graceMs: 1_000 });
  });

  it('answers a start that is sent again with the same run', async () => {
    const runId = newRunId();
    const [first, second] = await Promise.all([start(orchestrator, single, runId), start(orchestrator, single, runId)]);
    const third = await start(orchestrator, single, runId);
    expect([second.id, second.createdAt, third.createdAt]).toEqual([first.id, first.createdAt, first.createdAt]);
    expect((await events(runId)).filter((event) => event.type === 'RunStarted')).toHaveLength(1);
  });

  it('answers a start that is sent again after memory forgot it, and disturbs no neighbour in its batch', async () => {
    const runId = newRunId();
    await start(orchestrator, instant, runId);
    await orchestrator.stop();
    orchestrator = await world.replica('replica-1');
    const neighbours = [newRunId(), newRunId()];
    const runs = await Promise.all([runId, ...neighbours].map((id) => start(orchestrator, instant, id)));
    expect(runs.map((run) => run.status)).toEqual(['completed', 'completed', 'completed']);
    expect(await events(runId)).toHaveLength((await events(neighbours[0] ?? '')).length);
  });

  it('shows the steps of a run that goes on', async () => {
    const run = await start(orchestrator, diamond);
    await sendResult(world.bus, run.id, { node: 'a' });
    const now = await orchestrator.reader.get('acme', run.id);
    expect(now.status).toBe('running');
    expect(now.steps.map((step) => step.status)).toEqual([
      ...['completed', 'running', 'running', 'running', 'pending', 'pending'],
    ]);
  });

  it('applies a result once, and answers repeats and strangers without a write', async () => {
    const run = await start(orchestrator, diamond);
    expect(await sendResult(world.bus, run.id, { node: 'a' })).toEqual({ applied: true });
    const before = await events(run.id);
    const stale = { applied: false, reason: 'stale' };
    expect(await sendResult(world.bus, run.id, { node: 'a' })).toEqual(stale);
    expect(await sendResult(world.bus, run.id, { node: 'b', attempt: 7 })).toEqual(stale);
    expect(await sendResult(world.bus, run.id, { node: 'nowhere' })).toEqual(stale);
    expect(await sendResult(world.bus, newRunId(), { node: 'a' })).toEqual({ applied: false, reason: 'unknown-run' });
    expect(await events(run.id)).toEqual(before);
    expect(orchestrator.counts).toMatchObject({ staleResults: 3, unknownRunResults: 1 });
  });

  it('takes the same result many times at once, and applies it once', async () => {
    const run = await start(orchestrator, diamond);
    const replies = await Promise.all(Array.from({ length: 20 }, () => sendResult(world.bus, run.id, { node: 'a' })));
    expect(replies.filter((reply) => reply.applied)).toHaveLength(1);
    expect((await events(run.id)).filter((event) => event.type === 'NodeCompleted')).toHaveLength(1);
  });

  it('cancels, tells the workers, and ignores the late result', async () => {
    const told = deferred<IncomingMessage>();
    const subscription = await world.bus.subscribe(eventSubject(runCancelledEvent, 'acme'), (message) =>
      told.resolve(message),
    );
    const run = await start(orchestrator, single);
    const cancelled = await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'enough' });
    expect(cancelled).toMatchObject({ status: 'cancelled', error: { code: 'cancelled', message: 'enough' } });
    expect((await told.promise).envelope.data).toMatchObject({ runId: run.id, reason: 'enough' });
    expect(await sendResult(world.bus, run.id, { node: 'only' })).toEqual({ applied: false, reason: 'stale' });
    const again = await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'once more' });
    expect(again).toMatchObject({ status: 'cancelled', error: { message: 'enough' } });
    await subscription.stop();
  });

  it('leaves a run that has ended as it is when it is cancelled', async () => {
    const run = await start(orchestrator, instant);
    expect(run).toMatchObject({ status: 'completed', output: 'done' });
    const cancelled = await orchestrator.runs.cancel(acme, { runId: run.id, reason: 'too late' });
    expect(cancelled).toMatchObject({ status: 'completed', output: 'done', error: null });
    await expect(orchestrator.runs.cancel(acme, { runId: newRunId(), reason: 'x' })).rejects.toMatchObject({
      code: 'unknown_run',
      kind: 'not-found',
    });
  });

  it('retries by a timer, and fails when the attempts are used up', async () => {
    const error = { kind: 'unavailable', code: 'down', message: 'Down.', retryable: true } as const;
    const run = await start(orchestrator, single);
    await sendResult(world.bus, run.id, { node: 'only', outcome: { status: 'failed', error } });
    await eventually(async () => (await events(run.id)).filter((event) => event.type === 'NodeScheduled').length === 2);
    const [retry, scheduled] = (await events(run.id)).slice(2);
    expect(retry?.type).toBe('NodeRetryScheduled');
    expect(Date.parse(scheduled?.at ?? '')).toBeGreaterThanOrEqual(Date.parse((retry?.data['dueAt'] as string) ?? ''));
    await sendResult(world.bus, run.id, { node: 'only', attempt: 2, outcome: { status: 'failed', error } });
    const done = await ended(orchestrator, run.id);
    expect(done).toMatchObject({ status: 'failed', error: { code: 'down', node: 'only' } });
    expect(await timerRows()).toBe(0);
  });

  it('ends a node whose time is up', async () => {
    const run = await start(orchestrator, impatient);
    expect(await timerRows()).toBe(1);
    const done = await ended(orchestrator, run.id);
    expect(done).toMatchObject({ status: 'failed', error: { code: 'timeout', node: 'only' } });
    expect(await timerRows()).toBe(0);
  });

  const timerRows = async (): Promise<number> =>
    (
      await world.database.asService((transaction) =>
        transaction
          .selectFrom('run_timer')
          .innerJoin('run', 'run.run_id', 'run_timer.run_id')
          .select('run.run_id')
          .where('graph_digest', '<>', '')
          .where('run.status', '=', 'running')
          .where('run_timer.due_at', '<', new Date(Date.now() + 30_000))
          .execute(),
      )
    ).length;

  const sayFollowed = (runId: string): void => {
    const envelope = envelopeOf(liveRunFollowed, acme, { runId, forMs: 60_000 });
    world.bus.notify({ subject: liveFollowedSubject(partitionOf(runId)), envelope });
  };

  it('hints at nothing that nobody follows', async () => {
    const hinted: string[] = [];
    const subscription = await world.bus.subscribe('live.*.events', ({ subject }) => void hinted.push(subject));
    const [unheard, followed] = [newRunId(), newRunId()];
    sayFollowed(followed);
    for (const runId of [unheard, followed]) await start(orchestrator, single, runId);
    await eventually(() => hinted.includes(liveEventsSubject(followed)));
    expect(hinted).not.toContain(liveEventsSubject(unheard));
    await subscription.stop();
  });

  it('announces what happens, with ids that follow from the events, and hints at it live', async () => {
    const heard: IncomingMessage[] = [];
    const live: RunEvent[] = [];
    const runId = newRunId();
    const subscriptions = await Promise.all([
      world.bus.subscribe('evt.acme.run.*.v1', (message) => void heard.push(message)),
      world.bus.subscribe(liveEventsSubject(runId), ({ envelope }) =>
        live.push(...(envelope.data as { events: RunEvent[] }).events),
      ),
    ]);
    sayFollowed(runId);
    await start(orchestrator, single, runId);
    await sendResult(world.bus, runId, { node: 'only' });
    const mine = () => heard.filter(({ envelope }) => (envelope.data as { runId: string }).runId === runId);
    await eventually(() => mine().some(({ envelope }) => envelope.type === runCompletedEvent.name));
    expect(mine().map(({ envelope }) => [envelope.type, envelope.id])).toEqual([
      ['run.started', `${runId}:1`],
      ['run.completed', `${runId}:4`],
    ]);
    for (const { envelope, headers } of mine()) {
      expect(headers).toMatchObject({
        'ce-id': envelope.id,
        'ce-type': `millrace.${envelope.type}.v1`,
        'ce-tenantid': 'acme',
      });
    }
    await eventually(() => live.length === 4);
    expect(live).toEqual(await events(runId));
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  });

  it('refuses a graph that there is not, naming those that there are', async () => {
    await expect(start(orchestrator, 'nothing')).rejects.toMatchObject({
      code: 'unknown_graph',
      message: expect.stringContaining('There are: ') as unknown,
    });
    await expect(start(orchestrator, { ...diamond, nodes: [] })).rejects.toMatchObject({ code: 'invalid_graph' });
  });

  it('refuses an input that does not fit, before anything is stored', async () => {
    const runId = newRunId();
    const refused = orchestrator.runs.start(acme, { runId, graph: choosy, input: { topic: 7, more: true } });
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input' });
    const error = await refused.catch((thrown: unknown) => thrown as MillraceError);
    expect((error as MillraceError).violations.map((violation) => violation.pointer).sort()).toEqual([
      '/more',
      '/topic',
    ]);
    await expect(orchestrator.reader.get('acme', runId)).rejects.toMatchObject({ code: 'unknown_run' });
  });

  it('stores neither a start nor a result that the database refuses, and commits their neighbours', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, () => start(orchestrator, single)));
    const [poisoned, ...others] = runs;
    const poison = { status: 'completed', output: 'half \ud800 and \u0000' } as const;
    const badStart = orchestrator.runs.start(acme, { runId: newRunId(), graph: single, input: { text: '\u0000' } });
    const [reply, ...replies] = await Promise.all([
      sendResult(world.bus, poisoned?.id ?? '', { node: 'only', outcome: poison }),
      ...others.map((run) => sendResult(world.bus, run.id, { node: 'only' })),
      badStart.catch((error: unknown) => error),
    ]);
    expect(replies.pop()).toMatchObject({ kind: 'invalid' });
    expect(reply).toEqual({ applied: true });
    expect(replies).toEqual(others.map(() => ({ applied: true })));
    expect(await ended(orchestrator, poisoned?.id ?? '')).toMatchObject({
      status: 'failed',
      error: { code: 'unstorable_output' },
    });
    for (const run of others) expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
  });

  /** What is checked today was not checked when graphs of older versions were published. */
  const startUnstorable = async () => start(orchestrator, await world.publishUnchecked(unstorable));

  const unstorableState = { code: 'unstorable_state', message: expect.stringMatching(/^The database refuses/) };

  it('fails a run whose timer leads to what the database refuses, and fires the timers beside it', async () => {
    const [refused, neighbour] = await Promise.all([startUnstorable(), start(orchestrator, impatient)]);
    expect(await ended(orchestrator, refused.id)).toMatchObject({ status: 'failed', error: unstorableState });
    expect(await ended(orchestrator, neighbour.id)).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect((await events(refused.id)).map((event) => event.type)).toEqual(['RunStarted', 'NodeScheduled', 'RunFailed']);
    expect(await timerRowsOf(refused.id)).toBe(0);
  });

  it.each([
    ['failed', { status: 'failed', error: { kind: 'invalid', code: 'no', message: 'No.', retryable: false } }],
    ['completed', { status: 'completed', output: null }],
  ] as const)('fails a run whose %s step leads to what the database refuses', async (_, outcome) => {
    const neighbours = [single, single].map((graph) => start(orchestrator, graph));
    const [refused, ...others] = await Promise.all([startUnstorable(), ...neighbours]);
    const replies = await Promise.all([
      sendResult(world.bus, refused?.id ?? '', { node: 'first', outcome }),
      ...others.map((run) => sendResult(world.bus, run.id, { node: 'only' })),
    ]);
    expect(replies).toEqual([{ applied: true }, { applied: true }, { applied: true }]);
    expect(await ended(orchestrator, refused?.id ?? '')).toMatchObject({ status: 'failed', error: unstorableState });
    for (const run of others) expect(await ended(orchestrator, run.id)).toMatchObject({ status: 'completed' });
  });

  const timerRowsOf = async (runId: string): Promise<number> =>
    (
      await world.database.asService((transaction) =>
        transaction.selectFrom('run_timer').select('node').where('run_id', '=', runId).execute(),
      )
    ).length;

  it('fails a node whose output is too large to keep', async () => {
    await using own = await World.open(backend);
    const tight = await own.replica('replica-1', { config: { maxOutputBytes: 1_000 } });
    const run = await start(tight, single);
    const outcome = { status: 'completed', output: 'x'.repeat(2_000) } as const;
    expect(await sendResult(own.bus, run.id, { node: 'only', outcome })).toEqual({ applied: true });
    expect(await ended(tight, run.id)).toMatchObject({ status: 'failed', error: { code: 'output_too_large' } });
  });

  it('says that it is overloaded when too much waits, and loses nothing that it accepted', async () => {
    await using own = await World.open(backend);
    const small = await own.replica('replica-1', { config: { maxWaiting: 5 } });
    const ids = Array.from({ length: 60 }, newRunId);
    const outcomes = await Promise.allSettled(ids.map((id) => start(small, instant, id)));
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'orchestrator_overloaded', kind: 'overloaded', retryAfterSeconds: 1 });
    }
    for (const [index, outcome] of outcomes.entries()) {
      const found = small.reader.get('acme', ids[index] ?? '');
      if (outcome.status === 'fulfilled') expect((await found).status).toBe('completed');
      else await expect(found).rejects.toMatchObject({ code: 'unknown_run' });
    }
    expect(small.counts.overloads).toBe(refused.length);
  });

  it('keeps tenants apart', async () => {
    const other = contextOf('other');
    const mine = await start(orchestrator, single);
    await expect(orchestrator.reader.get('other', mine.id)).rejects.toMatchObject({ code: 'unknown_run' });
    await expect(orchestrator.reader.events('other', mine.id, { after: 0, limit: 10 })).rejects.toMatchObject({
      code: 'unknown_run',
    });
    await expect(orchestrator.runs.cancel(other, { runId: mine.id, reason: 'x' })).rejects.toMatchObject({
      code: 'unknown_run',
    });
    expect(await sendResult(world.bus, mine.id, { node: 'only', context: other })).toEqual({
      applied: false,
      reason: 'unknown-run',
    });
    const theirs = await start(orchestrator, instant, mine.id, other);
    expect(theirs.status).toBe('completed');
    expect(await orchestrator.reader.get('acme', mine.id)).toMatchObject({ status: 'running' });
    const listed = await orchestrator.reader.list('other', {}, null, 200);
    expect(listed.map((run) => run.id)).toEqual([mine.id]);
  });

  it('owns every partition as soon as it has started', async () => {
    const rows = await world.database.asService((transaction) =>
      transaction.selectFrom('partition_lease').select('owner').execute(),
    );
    expect(rows.map((row) => row.owner)).toEqual(Array.from({ length: partitionCount }, () => 'replica-1'));
  });
});
