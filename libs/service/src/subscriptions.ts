import type {
  CommandContract,
  Contract,
  DataOf,
  Envelope,
  EventContract,
  InputOf,
  MessageContext,
  OutputOf,
  RequestOf,
  ResponseOf,
  TaskContract,
} from '@millrace/contracts';
import type { Headers } from '@millrace/messaging';
import type { Task, TaskResultOf } from '@millrace/worker';
import type { Type } from '@nestjs/common';
import type { ServiceSubscription } from './service-definition.js';

/** A command as its handler sees it, beside the data that the contract validated. */
export interface CommandMessage {
  readonly subject: string;
  readonly envelope: Envelope;
  readonly headers: Headers;
  readonly tenantId: string;
  readonly correlationId: string;
  /** The context for whatever the handler sends because of this message. */
  readonly context: MessageContext;
}

/** An event as its handler sees it. It may come again, whatever `deliveryCount` says. */
export interface EventMessage extends CommandMessage {
  readonly deliveryCount: number;
  readonly sequence: number;
  readonly signal: AbortSignal;
  heartbeat(): void;
}

/** What the handler of a contract gets as its second argument. */
export type MessageOf<C> = C extends { kind: 'task' }
  ? Task
  : C extends { kind: 'event' }
    ? EventMessage
    : CommandMessage;

export interface CommandHandler<C extends CommandContract> {
  handle(data: RequestOf<C>, message: CommandMessage): Promise<ResponseOf<C>> | ResponseOf<C>;
}
export interface TaskHandler<C extends TaskContract> {
  handle(input: InputOf<C>, task: Task): Promise<TaskResultOf<OutputOf<C>>>;
}
export interface EventHandler<C extends EventContract> {
  handle(data: DataOf<C>, message: EventMessage): Promise<void> | void;
}

type HandlerOf<C> = C extends CommandContract
  ? CommandHandler<C>
  : C extends TaskContract
    ? TaskHandler<C>
    : C extends EventContract
      ? EventHandler<C>
      : never;

interface SubscriptionOf<C> {
  readonly contract: C;
  readonly handler: Type<HandlerOf<C>>;
  readonly maxInFlight?: C extends CommandContract ? number : never;
  readonly slots?: C extends CommandContract ? never : number | ((config: never) => number);
}

/**
 * A service's whole inbox, one line per contract; the compiler checks each handler against its contract:
 *
 *     export const subscriptions = defineSubscriptions([
 *       { contract: startRun, handler: StartRunHandler },
 *       { contract: searchTask, handler: SearchHandler, slots: 4 },
 *     ]);
 */
export function defineSubscriptions<const Contracts extends readonly Contract[]>(lines: {
  readonly [Index in keyof Contracts]: SubscriptionOf<Contracts[Index]>;
}): readonly ServiceSubscription[] {
  return lines as unknown as readonly ServiceSubscription[];
}
