/**
 * A worker: pulls tasks of one kind, works on as many at once as it has slots, and answers each.
 *
 * 1. A task is acked only after somebody replied to its result; until then the work is not redone. Its slot is free as
 *    soon as it is done; of results that nobody has taken there are at most three for each slot, and then no task is taken either.
 * 2. Every task that can be answered is answered, also when its input, its output or its deadline is wrong; one that
 *    cannot be (nobody knows whom to answer) goes to the dead letters.
 * 3. A task whose run is cancelled is stopped, acked and forgotten.
 * 4. A task that was delivered as often as it may be is not tried again: it fails as `deliveries_exhausted`, so that what
 *    kills workers does not keep its run waiting, and a copy goes to the dead letters.
 * 5. Draining takes nothing new, waits for what is being worked on, and hands back what is not done in time.
 */
import {
  causedBy,
  envelopeOf,
  liveBeatsSubject,
  liveTaskBeat,
  partitionOf,
  taskConsumerName,
  taskBegin,
  taskResult,
  type LiveTaskBeat,
  type TaskContract,
  type TaskBegin,
  type TaskData,
  type TaskOutcome,
  type TaskResult,
  type TaskResultReply,
} from '@millrace/contracts';
import { InFlight, MillraceError, newId, systemClock, toMillraceError, type Clock } from '@millrace/kernel';
import type { Delivery, DeliveryOutcome, MessageBus, Subscription } from '@millrace/messaging';
import { activeTraceparent, failSpan, recordedSpan } from '@millrace/telemetry';
import type { z } from 'zod';
import { ActiveTask } from './active-task.js';
import { askOwner, isRefusal, pauseAfter } from './ask-owner.js';
import { CancelledRuns, type CancelledRun } from './cancelled-runs.js';
import { LiveTokens } from './live-tokens.js';
import { openInput, openTask } from './open-task.js';
import { completedOutcome, deliveriesExhausted, effectUncertain, failedOutcome } from './outcome.js';
import { ResultCourier } from './result-courier.js';
import { WorkerMeter } from './worker-meter.js';
import type { ExecuteTask, Task } from './task.js';

/** How long work may take to notice that its signal aborted. */
const defaultSettleMs = 1_000;
const tokenFlushMs = 2_000;

export interface WorkerOptions<Input, Output> {
  readonly bus: MessageBus;
  readonly contract: TaskContract<Input, Output>;
  /** How many tasks are worked on at once by this process. */
  readonly slots: number;
  readonly execute: ExecuteTask<Input, Output>;
  /** Told of what went wrong beside the result: unexpected errors, results nobody takes yet. Must not throw. */
  readonly onError?: (error: unknown, task?: Pick<TaskData, 'taskId' | 'runId' | 'node' | 'attempt'>) => void;
  readonly clock?: Clock;
  /** Whose tasks these are, where they are not those of all tenants. */
  readonly tenantId?: string;
  /** How long work may go on after its signal aborted before the slot is taken from it, in milliseconds. Default 1,000. */
  readonly settleMs?: number;
}

export interface RunningWorker {
  /** How many tasks are being worked on, or have a result that nobody has taken yet. */
  readonly activeTasks: number;
  /** Takes nothing new; what is not done after `graceMs` is aborted and handed back. Resolves when nothing is left. */
  drain(options: { readonly graceMs: number }): Promise<void>;
}

/** Starts to work on tasks of a contract. @throws MillraceError `invalid_configuration` when there is no slot. */
export async function startWorker<Input, Output>(options: WorkerOptions<Input, Output>): Promise<RunningWorker> {
  if (!Number.isInteger(options.slots) || options.slots < 1) {
    throw new MillraceError('invalid', 'invalid_configuration', 'A worker needs at least one slot.');
  }
  const worker = new Worker(options);
  await worker.start();
  return worker;
}

class Worker<Input, Output> implements RunningWorker {
  private readonly active = new InFlight<ActiveTask>();
  private readonly subscriptions: Subscription[] = [];
  private readonly clock: Clock;
  private readonly settleMs: number;
  private readonly meter: WorkerMeter;
  private readonly courier: ResultCourier;
  private cancelled: CancelledRuns | undefined;
  private heartbeatTimer: NodeJS.Timeout | undefined;
  private isHandingBack = false;
  /** How many tasks are done and wait for somebody to take their result. */
  private answering = 0;

  constructor(private readonly options: WorkerOptions<Input, Output>) {
    this.clock = options.clock ?? systemClock;
    this.settleMs = options.settleMs ?? defaultSettleMs;
    this.courier = new ResultCourier(options.bus);
    this.meter = new WorkerMeter(options.contract.taskKind, options.slots, () => this.active.size - this.answering);
  }

  get activeTasks(): number {
    return this.active.size;
  }

  async start(): Promise<void> {
    const { bus, contract, slots, tenantId = '*' } = this.options;
    const heard = await CancelledRuns.listen(bus, tenantId, (run) => this.cancel(run));
    this.cancelled = heard.cancelled;
    this.heartbeatTimer = setInterval(() => this.sendHeartbeats(), Math.max(contract.ackWaitMs / 3, 10)).unref();
    const { subject, ackWaitMs, maxDeliveries } = contract;
    const durableName = taskConsumerName(contract);
    const consumer = await bus.consume({ durableName, subject, slots, ackWaitMs, maxDeliveries }, (delivery) =>
      this.handle(delivery),
    );
    this.subscriptions.push(consumer, heard.subscription);
  }

  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const timer = setTimeout(() => this.handBack(), Math.max(0, graceMs - this.settleMs));
    for (const subscription of this.subscriptions.splice(0)) await subscription.stop();
    clearTimeout(timer);
    clearInterval(this.heartbeatTimer);
    this.meter.stop();
  }

  private handBack(): void {
    this.isHandingBack = true;
    for (const task of this.active) task.release('handed-back');
  }

  private cancel({ tenantId, runId, generation }: CancelledRun): void {
    for (const task of this.active) {
      const { data, delivery } = task;
      const isOfRun = data.runId === runId && delivery.envelope.tenantId === tenantId;
      if (isOfRun && (data.generation ?? 0) <= generation) task.release('cancelled');
    }
  }

  private sendHeartbeats(): void {
    for (const task of this.active) task.delivery.heartbeat();
  }

  /** Tells the owner of a run that its task gets further, where its node asks for that. A tenant's own worker may not: it would speak for others. */
  private beat({ envelope }: Delivery, { runId, node, attempt, idleMs }: TaskData, ended: boolean): void {
    if (idleMs === undefined || this.options.tenantId !== undefined) return;
    const beat: LiveTaskBeat = { runId, node, attempt, idleMs, ended };
    const subject = liveBeatsSubject(partitionOf(runId));
    this.options.bus.notify({ subject, envelope: envelopeOf(liveTaskBeat, causedBy(envelope), beat) });
  }

  private async handle(delivery: Delivery): Promise<DeliveryOutcome> {
    let data: TaskData;
    try {
      data = openTask(this.options.contract, delivery.envelope);
    } catch (thrown) {
      this.options.onError?.(thrown);
      return { kind: 'dead-letter', error: toMillraceError(thrown).toShape() };
    }
    const { runId, generation = 0 } = data;
    const { tenantId } = delivery.envelope;
    if (this.cancelled?.has({ tenantId, runId, generation }) === true) return { kind: 'ack' };
    const task = new ActiveTask(delivery, data, this.clock.now(), (ended) => this.beat(delivery, data, ended));
    const place = this.active.add(task);
    if (this.isHandingBack) task.release('handed-back');
    try {
      return await this.workOn(task);
    } finally {
      task.end();
      this.active.remove(place, task);
    }
  }

  private async workOn(task: ActiveTask): Promise<DeliveryOutcome> {
    const { deliveryCount } = task.delivery;
    const isExhausted = deliveryCount > 1 && deliveryCount >= this.options.contract.maxDeliveries;
    const exhausted = isExhausted ? deliveriesExhausted(deliveryCount - 1) : undefined;
    const beganAt = performance.now();
    const outcome = exhausted === undefined ? await this.execute(task) : failedOutcome(exhausted);
    task.endWork();
    task.delivery.workDone();
    this.meter.worked(beganAt, outcome, task.letGo);
    this.answering += 1;
    const refusal = await this.answer(task, outcome).finally(() => (this.answering -= 1));
    if (task.letGo === 'cancelled') return { kind: 'ack' };
    if (task.letGo === 'handed-back') return { kind: 'retry', delayMs: 0 };
    const deadLetter = refusal ?? exhausted;
    return deadLetter === undefined ? { kind: 'ack' } : { kind: 'dead-letter', error: deadLetter.toShape() };
  }

  private async execute(task: ActiveTask): Promise<TaskOutcome> {
    const { contract, execute, onError } = this.options;
    const tokens = this.liveTokensOf(task);
    try {
      const input = openInput(contract, task.data.input);
      if (task.data.asksToBegin) await this.askToBegin(task);
      const result = await task.run(() => execute(input, this.taskFor(task, tokens)), this.settleMs);
      return completedOutcome(contract, result);
    } catch (thrown) {
      const isExpected = thrown instanceof MillraceError && thrown.code !== 'invalid_output';
      if (!isExpected) onError?.(thrown, task.data);
      failSpan(recordedSpan(), thrown);
      return failedOutcome(thrown);
    } finally {
      await tokens.flush(tokenFlushMs);
    }
  }

  /** Sends the outcome until it is taken. Gives the reason when it is refused for good. */
  private async answer(task: ActiveTask, outcome: TaskOutcome): Promise<MillraceError | undefined> {
    if (task.letGo !== undefined) return undefined;
    try {
      await this.send(task, outcome);
      return undefined;
    } catch (thrown) {
      if (task.letGo !== undefined) return undefined;
      const refusal = toMillraceError(thrown);
      this.options.onError?.(refusal, task.data);
      return this.answerRefused(task, refusal);
    }
  }

  /** A result that is refused (too large, say) becomes a failure that says so, which is small and well formed. */
  private async answerRefused(task: ActiveTask, refusal: MillraceError): Promise<MillraceError | undefined> {
    const failure = new MillraceError(refusal.kind, 'result_refused', `The result was refused: ${refusal.message}`, {
      cause: refusal,
      retryable: false,
    });
    try {
      await this.send(task, failedOutcome(failure));
      return undefined;
    } catch {
      return failure;
    }
  }

  /** With others of this turn where that can be, else or afterwards by itself. A result whose trace is recorded goes by itself, so that the trace shows its way. */
  private async send(task: ActiveTask, outcome: TaskOutcome): Promise<TaskResultReply> {
    const { taskId, runId, node, attempt, togetherTo } = task.data;
    const result: TaskResult = { taskId, runId, node, attempt, outcome };
    const travelling =
      togetherTo === undefined || recordedSpan() !== undefined
        ? undefined
        : this.sendTogether(task, togetherTo, result);
    if (travelling !== undefined) {
      try {
        return await travelling;
      } catch (thrown) {
        const error = toMillraceError(thrown);
        if (task.letGo !== undefined || isRefusal(error)) throw error;
        this.repeated(task, error);
        await pauseAfter(0, error, task.holding);
      }
    }
    return await this.ask(task, taskResult, result, task.holding);
  }

  private sendTogether(task: ActiveTask, to: string, result: TaskResult): Promise<TaskResultReply> | undefined {
    const traceparent = this.traceparentOf(task);
    const sent = traceparent === undefined ? result : { ...result, traceparent };
    return this.courier.send(to, causedBy(task.delivery.envelope), sent, (giveUp) => task.tellWhenLetGo(giveUp));
  }

  /**
   * Asks whether this delivery may do what must not be done twice. Where another one may, that one answers; it cannot where this
   * is a repeat after it was let go, and then nobody knows what it has done.
   * @throws MillraceError `effect_uncertain`, or the reason for which the task was let go
   */
  private async askToBegin(task: ActiveTask): Promise<void> {
    const { taskId, runId, node, attempt } = task.data;
    const request: TaskBegin = { taskId, runId, node, attempt, claim: newId('claim') };
    const { granted } = await this.ask(task, taskBegin, request, task.signal);
    if (granted) return;
    if (task.delivery.deliveryCount > 1) throw effectUncertain();
    task.release('cancelled');
    task.throwIfStopped();
  }

  private ask<Request, Reply>(
    task: ActiveTask,
    contract: { readonly name: string; readonly version: number; readonly response: z.ZodType<Reply> },
    request: Request,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { delivery, data } = task;
    const options = { id: newId('msg'), clock: this.clock };
    const traceparent = this.traceparentOf(task);
    return askOwner({
      bus: this.options.bus,
      replyTo: data.replyTo,
      envelope: envelopeOf(contract, causedBy(delivery.envelope), request, options),
      headers: traceparent === undefined ? {} : { traceparent },
      response: contract.response,
      signal,
      onRetry: (error) => this.repeated(task, error),
    });
  }

  private repeated({ data }: ActiveTask, error: MillraceError): void {
    this.meter.resultRepeated();
    this.options.onError?.(error, data);
  }

  private traceparentOf({ delivery }: ActiveTask): string | undefined {
    return activeTraceparent() ?? delivery.headers['traceparent'];
  }

  private liveTokensOf({ delivery, data }: ActiveTask): LiveTokens {
    const { runId, node, attempt } = data;
    const onError = (error: unknown): void => this.options.onError?.(error, data);
    return new LiveTokens({
      bus: this.options.bus,
      runId,
      node,
      attempt,
      context: causedBy(delivery.envelope),
      onError,
    });
  }

  private taskFor(active: ActiveTask, tokens: LiveTokens): Task {
    const { delivery, data } = active;
    const { taskId, runId, node, attempt, stream, deadlineAt, idempotencyKey } = data;
    const { tenantId, correlationId, id } = delivery.envelope;
    return {
      ...{ taskId, runId, node, attempt, stream, tenantId, correlationId, messageId: id },
      deliveryCount: delivery.deliveryCount,
      get signal() {
        return active.signal;
      },
      ...(deadlineAt !== undefined && { deadlineAt: new Date(deadlineAt) }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      emitToken: (text) => {
        active.progressed();
        if (stream && !active.isStopped) tokens.emit(text);
      },
      progress: () => active.progressed(),
      heartbeat: () => {
        active.progressed();
        delivery.heartbeat();
      },
    };
  }
}
