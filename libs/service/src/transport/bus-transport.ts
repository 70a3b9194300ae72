/**
 * Nest's transport over the message bus: binds each line of a service's inbox to the bus, and runs each message through
 * Nest's guards, interceptors, pipes and filters. Commands are answered, tasks go through a worker, events are consumed
 * under the durable name `<service>-<event>`.
 */
import { causedBy, eventSubject, violationsOf, type CommandContract, type EventContract } from '@millrace/contracts';
import type { TaskContract } from '@millrace/contracts';
import { MillraceError, toMillraceError } from '@millrace/kernel';
import type { Delivery, DeliveryOutcome, IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';
import { withLogContext, type Logger } from '@millrace/telemetry';
import { startWorker, type RunningWorker, type Task, type TaskResultOf } from '@millrace/worker';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { ServiceSubscription, Slots } from '../service-definition.js';
import type { CommandMessage, EventMessage } from '../subscriptions.js';
import { patternOf } from './subscription-controller.js';

const defaultMaxInFlight = 256;
const defaultSlots = 8;
const eventAckWaitMs = 30_000;
const eventMaxDeliveries = 10;

export interface BusTransportOptions {
  readonly service: string;
  readonly bus: MessageBus;
  readonly subscriptions: readonly ServiceSubscription[];
  readonly config: unknown;
  readonly logger: Logger;
  /** Whether replies are checked against their contracts: in development and tests. */
  readonly checkReplies: boolean;
}

export class BusTransport extends Server implements CustomTransportStrategy {
  private readonly bound: Subscription[] = [];
  private readonly workers: RunningWorker[] = [];

  constructor(private readonly options: BusTransportOptions) {
    super();
  }

  /** Binds every line of the inbox. Nest calls it after every module's init. */
  listen(callback: (error?: unknown) => void): void {
    this.bindAll().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  /** Takes nothing new and waits for what is being handled; tasks that are not done after `graceMs` are handed back. */
  async drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    const workers = this.workers.splice(0).map((worker) => worker.drain({ graceMs }));
    const bound = this.bound.splice(0).map((subscription) => subscription.stop());
    await Promise.all([...workers, ...bound]);
  }

  async close(): Promise<void> {
    await this.drain({ graceMs: 0 });
  }

  override on(): never {
    throw new Error('The bus has no transport events; ask its health.');
  }

  override unwrap<Result>(): Result {
    return this.options.bus as Result;
  }

  private async bindAll(): Promise<void> {
    for (const subscription of this.options.subscriptions) {
      const handler = this.getHandlerByPattern(patternOf(subscription));
      if (handler === null) throw new Error(`Nest has no listener for ${patternOf(subscription)}.`);
      await this.bind(subscription, handler);
    }
  }

  private async bind(subscription: ServiceSubscription, handler: MessageHandler): Promise<void> {
    const { contract } = subscription;
    if (contract.kind === 'command') {
      const { maxInFlight } = subscription as { readonly maxInFlight?: number };
      this.bound.push(await this.bindCommand(contract, maxInFlight ?? defaultMaxInFlight, handler));
      return;
    }
    const slots = this.slotsOf((subscription as { readonly slots?: Slots }).slots);
    if (contract.kind === 'task') this.workers.push(await this.bindTask(contract, slots, handler));
    else this.bound.push(await this.bindEvent(contract, slots, handler));
  }

  private slotsOf(slots: Slots | undefined): number {
    return typeof slots === 'function' ? slots(this.options.config as never) : (slots ?? defaultSlots);
  }

  private bindCommand(contract: CommandContract, maxInFlight: number, handler: MessageHandler): Promise<Subscription> {
    const { bus, service, checkReplies } = this.options;
    return bus.respond(contract.subject, { queue: service, maxInFlight }, async (incoming) => {
      const message = receivedMessage(contract, incoming);
      const reply = await this.run(handler, contract.name, message.envelope.data, message, {
        messageId: message.envelope.id,
      });
      return checkReplies ? checkedReply(contract, reply) : reply;
    });
  }

  private bindEvent(contract: EventContract, slots: number, handler: MessageHandler): Promise<Subscription> {
    const { bus, service } = this.options;
    const version = contract.version === 1 ? '' : `-v${contract.version}`;
    const consumer = {
      durableName: `${service}-${contract.entity}-${contract.action}${version}`,
      subject: eventSubject(contract, '*'),
      slots,
      ackWaitMs: eventAckWaitMs,
      maxDeliveries: eventMaxDeliveries,
    };
    return bus.consume(consumer, (delivery) => this.consumeEvent(contract, handler, delivery));
  }

  private async consumeEvent(
    contract: EventContract,
    handler: MessageHandler,
    delivery: Delivery,
  ): Promise<DeliveryOutcome> {
    try {
      const message = eventMessage(contract, delivery);
      await this.run(handler, contract.name, delivery.envelope.data, message, { messageId: delivery.envelope.id });
      return { kind: 'ack' };
    } catch (thrown) {
      const error = toMillraceError(thrown);
      // The same message would be as wrong next time; everything else gets the bus's backoff.
      if (error.kind === 'invalid' || error.kind === 'unsupported')
        return { kind: 'dead-letter', error: error.toShape() };
      throw error;
    }
  }

  private bindTask(contract: TaskContract, slots: number, handler: MessageHandler): Promise<RunningWorker> {
    const { bus, logger } = this.options;
    return startWorker({
      bus,
      contract,
      slots,
      execute: (input, task: Task) => {
        const { messageId, runId, node } = task;
        const result = this.run(handler, contract.name, input, task, { messageId, runId, node });
        return result as Promise<TaskResultOf<unknown>>;
      },
      onError: (error, task) =>
        logger.warn({ err: error, contract: contract.name, ...task, input: undefined }, 'task trouble'),
    });
  }

  /** Runs one message through Nest. @throws MillraceError */
  private run(
    handler: MessageHandler,
    contractName: string,
    data: unknown,
    message: { readonly tenantId: string; readonly correlationId: string; readonly signal?: AbortSignal },
    ids: { readonly messageId: string; readonly runId?: string; readonly node?: string },
  ): Promise<unknown> {
    const { tenantId, correlationId } = message;
    return withLogContext({ tenantId, correlationId, ...ids }, async () => {
      const { logger } = this.options;
      try {
        const returned: unknown = await handler(data, message);
        const result: unknown = isObservable(returned)
          ? await lastValueFrom(returned, { defaultValue: undefined })
          : returned;
        logger.debug({ contract: contractName }, 'handled');
        return result;
      } catch (thrown) {
        const error = toMillraceError(thrown);
        logger.debug({ contract: contractName, code: error.code }, 'refused');
        // Work that was told to stop throws what it was told; whoever told it knows why.
        if (error.kind === 'internal' && !message.signal?.aborted)
          logger.error({ err: error, contract: contractName }, 'handler failed');
        throw error;
      }
    });
  }
}

function receivedMessage(
  contract: { readonly name: string; readonly version: number },
  { subject, envelope, headers }: IncomingMessage,
): CommandMessage {
  if (envelope.type !== contract.name || envelope.version !== contract.version) {
    const got = `${envelope.type} version ${envelope.version}`;
    throw new MillraceError(
      'unsupported',
      'unexpected_message',
      `Expected ${contract.name} version ${contract.version}, got ${got}.`,
    );
  }
  const { tenantId, correlationId } = envelope;
  return { subject, envelope, headers, tenantId, correlationId, context: causedBy(envelope) };
}

function eventMessage(contract: EventContract, delivery: Delivery): EventMessage {
  const { deliveryCount, sequence, signal } = delivery;
  const heartbeat = (): void => delivery.heartbeat();
  return { ...receivedMessage(contract, delivery), deliveryCount, sequence, signal, heartbeat };
}

function checkedReply(contract: CommandContract, reply: unknown): unknown {
  const parsed = contract.response.safeParse(reply);
  if (parsed.success) return parsed.data;
  throw new MillraceError('internal', 'invalid_reply', `The reply does not fit ${contract.name}.`, {
    violations: violationsOf(parsed.error),
  });
}
