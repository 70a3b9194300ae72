/** The traces of runs beyond their start: what a person, a timer or an heir goes on with, minutes or a crash later. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { approvalIdOf } from '@millrace/contracts';
import { systemClock, type Clock, type JsonObject } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { activeTraceparent, inArrivedSpan, startTracing, type Tracing } from '@millrace/telemetry';
import { backendKinds, eventually, startTraceReceiver, type ReceivedSpan, type TraceReceiver } from '@millrace/testing';
import { decide } from '../approval/decide-approval.js';
import { acme, ended, newRunId, sendResult, World, type ReplicaOptions } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';
import { asking, diamond, drowsy, flaky, patient } from './graphs.fixture.js';

jest.setTimeout(60_000);

/** A clock that is ahead. */
const ahead = (minutes: number): Clock => ({ now: () => new Date(systemClock.now().getTime() + minutes * 60_000) });

describe.each(backendKinds)('traces of runs on %s', (backend) => {
  let world: World;
  let receiver: TraceReceiver;
  let tracing: Tracing;
  beforeEach(async () => {
    receiver = await startTraceReceiver();
    tracing = await startTracing({ service: 'spec', environment: receiver.environment, onProblem: () => undefined });
    world = await World.open(backend);
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await tracing.shutdown({ timeoutMs: 2_000 });
    await receiver.close();
  });

  const replica = (options: ReplicaOptions = {}): Promise<Orchestrator> =>
    world.replica('replica-1', { config: { leaseMs: 5_000 }, ...options });
  /** Does something as a request of its own would, in a trace of its own. */
  const request = <Result>(name: string, work: () => Promise<Result>): Promise<Result> =>
    inArrivedSpan({ headers: {} }, () => ({ name, kind: 'server', attributes: {} }), work);
  const begin = (orchestrator: Orchestrator, graph: JsonObject) =>
    request('start', () => {
      const traceparent = activeTraceparent();
      return orchestrator.runs.start(acme, {
        runId: newRunId(),
        graph,
        input: {},
        ...(traceparent && { traceparent }),
      });
    });
  const span = (name: string): Promise<ReceivedSpan> =>
    eventually(() => receiver.spans.find((each) => each.name === name) ?? false, { describe: `${name} is sent` });
  const finish = (runId: string, node: string, bus?: MessageBus) =>
    eventually(() => sendResult(bus ?? world.bus, runId, { node }));

  /** What goes on with the run from a request belongs to the request, and leads back to where the run began. */
  async function expectLinkedToItsRun(commit: string, requested: string): Promise<void> {
    const [first, own, decided] = [await span('commit start'), await span(requested), await span(commit)];
    const began = await span('start');
    expect(first).toMatchObject({ traceId: began.traceId, links: [] });
    expect(own.traceId).not.toBe(began.traceId);
    expect(decided).toMatchObject({ traceId: own.traceId, parentSpanId: own.spanId });
    expect(decided.links.filter(({ attributes }) => attributes['millrace.link.reason'] === 'run')).toMatchObject([
      { traceId: began.traceId, spanId: began.spanId },
    ]);
  }

  it('links a cancellation, and publishes its news in the trace of the cancellation', async () => {
    const orchestrator = await replica();
    const { id: runId } = await begin(orchestrator, patient);
    await request('cancel', () => orchestrator.runs.cancel(acme, { runId, reason: 'enough' }));
    await expectLinkedToItsRun('commit cancel', 'cancel');
    const news = await span('publish evt.{tenant}.run.cancelled.v1');
    expect(news.parentSpanId).toBe((await span('commit cancel')).spanId);
  });

  it('links a signal, a pause and a going on', async () => {
    const orchestrator = await replica();
    const { id: runId } = await begin(orchestrator, patient);
    await request('pause', () => orchestrator.runs.pause(acme, { runId, reason: '' }));
    await request('signal', () => orchestrator.runs.signal(acme, { runId, id: 'one', name: 'go', data: 1 }));
    await request('resume', () => orchestrator.runs.resume(acme, { runId }));
    for (const name of ['pause', 'signal', 'resume']) await expectLinkedToItsRun(`commit ${name}`, name);
  });

  it('links a decision, and schedules what follows in the trace of the decision', async () => {
    const orchestrator = await replica();
    const { id: runId } = await begin(orchestrator, asking());
    await finish(runId, 'before');
    const decision: Parameters<typeof decide>[2] = {
      approvalId: approvalIdOf(runId, 'ok'),
      ...{ decision: 'approve', data: { grade: 1 }, by: { keyId: 'key_1', role: 'editor' } },
    };
    await request('decide', () => decide(orchestrator, acme, decision));
    await expectLinkedToItsRun('commit decision', 'decide');
    await finish(runId, 'after');
    const commit = await span('commit decision');
    await eventually(
      () => receiver.spans.some((each) => each.name === 'publish task.tool.v1' && each.parentSpanId === commit.spanId),
      { describe: 'the task after it is published below the decision' },
    );
  });

  it('fires a timer of a short wait in the trace that set it', async () => {
    const orchestrator = await replica();
    const { id: runId } = await begin(orchestrator, flaky);
    const error = { kind: 'unavailable', code: 'away', message: 'away', retryable: true } as const;
    await eventually(() => sendResult(world.bus, runId, { node: 'only', outcome: { status: 'failed', error } }));
    const [fired, again] = [await span('fire retry'), await span('commit timer')];
    const scheduled = await span('commit task-result');
    expect(fired).toMatchObject({ traceId: scheduled.traceId, parentSpanId: scheduled.spanId, links: [] });
    expect(again.parentSpanId).toBe(fired.spanId);
  });

  it('begins a trace for a timer of a long wait, linked to what set it, even after a restart', async () => {
    const orchestrator = await replica();
    const { id: runId } = await begin(orchestrator, drowsy);
    const set = await span('commit start');
    await orchestrator.stop();
    const heir = await replica({ clock: ahead(7) });
    expect(await ended(heir, runId)).toMatchObject({ status: 'completed' });
    const fired = await span('fire wait');
    expect(fired.parentSpanId).toBeUndefined();
    expect(fired.traceId).not.toBe(set.traceId);
    expect(fired.links).toMatchObject([
      { traceId: set.traceId, spanId: set.spanId, attributes: { 'millrace.link.reason': 'long-wait' } },
    ]);
    const news = await span('publish evt.{tenant}.run.completed.v1');
    expect(news.traceId).toBe(fired.traceId);
  });

  it('publishes what a dead replica left as the child of the span that decided it', async () => {
    const lost = createInProcessBus();
    const never = Promise.withResolvers<never>();
    never.promise.catch(() => undefined);
    const deaf = Object.assign(Object.create(lost) as MessageBus, { publish: () => never.promise });
    const { id: runId } = await begin(await replica({ bus: deaf }), diamond);
    await replica();
    const [commit, task] = [await span('commit start'), await span('publish task.tool.v1')];
    expect(task).toMatchObject({ traceId: commit.traceId, parentSpanId: commit.spanId });
    expect(task.attributes).toMatchObject({ 'millrace.run.id': runId });
    never.reject(new Error('the test is over'));
  });
});
