/** What a worker's specs stand on: a bus, tasks to publish, and somebody who takes the results. */
import {
  defineTask,
  envelopeOf,
  eventSubject,
  runCancelledEvent,
  taskIdOf,
  type Envelope,
  type TaskData,
  type TaskResult,
  type TaskResultReply,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import type { Headers, MessageBus } from '@millrace/messaging';
import { z } from 'zod';
import { startWorker, type RunningWorker, type WorkerOptions } from '../index.js';

const replyTo = 'result.3.v1';

/** A contract of a kind of its own, so that specs on one bus do not share a queue. */
export const contractFor = (taskKind: string, options: { ackWaitMs?: number; maxDeliveries?: number } = {}) =>
  defineTask({
    taskKind,
    version: 1,
    summary: 'Doubles a number.',
    input: z.strictObject({ number: z.number(), unit: z.string().default('m') }),
    output: z.object({ doubled: z.number() }),
    ...options,
  });
type Contract = ReturnType<typeof contractFor>;
type Input = { number: number; unit: string };
type Output = { doubled: number };

/** Takes results as the orchestrator does; `reply` may throw instead. */
export class ResultTaker {
  readonly results: TaskResult[] = [];
  requests = 0;
  reply: (result: TaskResult) => Promise<TaskResultReply> = () => Promise.resolve({ applied: true });

  static async start(bus: MessageBus, subject = replyTo): Promise<ResultTaker> {
    const taker = new ResultTaker();
    await bus.respond(subject, { queue: 'orchestrator', maxInFlight: 1_000 }, async ({ envelope }) => {
      taker.requests += 1;
      const reply = await taker.reply(envelope.data as TaskResult);
      taker.results.push(envelope.data as TaskResult);
      return reply;
    });
    return taker;
  }
}

export class Workshop {
  readonly errors: unknown[] = [];
  readonly workers: RunningWorker[] = [];

  constructor(
    readonly bus: MessageBus,
    readonly contract: Contract,
  ) {}

  async start(options: Partial<WorkerOptions<Input, Output>> & Pick<WorkerOptions<Input, Output>, 'execute'>) {
    const { bus, contract } = this;
    const onError = (error: unknown): void => void this.errors.push(error);
    const worker = await startWorker({ bus, contract, slots: 2, onError, settleMs: 50, ...options });
    this.workers.push(worker);
    return worker;
  }

  /** Publishes a task and gives its data. */
  async publish(
    data: Partial<TaskData> = {},
    envelope: Partial<Envelope> = {},
    headers: Headers = { traceparent: '00-1-2-01' },
  ): Promise<TaskData> {
    const runId = data.runId ?? newId('run');
    const node = data.node ?? 'double';
    const attempt = data.attempt ?? 1;
    const task: TaskData = {
      ...{
        taskId: taskIdOf(runId, node, attempt),
        runId,
        node,
        attempt,
        input: { number: 21 },
        stream: false,
        replyTo,
      },
      ...data,
    };
    const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
    await this.bus.publish({
      subject: this.contract.subject,
      envelope: { ...envelopeOf(this.contract, context, task, { id: task.taskId || newId('msg') }), ...envelope },
      headers,
    });
    return task;
  }

  async cancelRun(runId: string, tenantId = 'acme'): Promise<void> {
    const context = { tenantId, correlationId: 'req_2', causationId: null };
    const graph = { name: 'g', version: 1, digest: '0'.repeat(64) };
    const data = { runId, graph, reason: 'because' };
    await this.bus.publish({
      subject: eventSubject(runCancelledEvent, tenantId),
      envelope: envelopeOf(runCancelledEvent, context, data),
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.drain({ graceMs: 0 })));
  }
}
