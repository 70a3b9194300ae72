/**
 * What a contract is: one value that holds a message's name, version and schema; its types are inferred from it.
 * Schemas never transform (what is validated is what is stored), and a released major version is frozen: a breaking
 * change is a sibling with the next version.
 */
import type { z } from 'zod';

/** Request and reply: the reply arrives after the owner's commit. Subject `cmd.<owner>.<entity>.<action>.v<major>`. */
export interface CommandContract<Request = unknown, Response = unknown> {
  readonly kind: 'command';
  readonly owner: string;
  readonly name: string;
  readonly version: number;
  readonly subject: string;
  readonly summary: string;
  readonly request: z.ZodType<Request>;
  readonly response: z.ZodType<Response>;
}

/** Work for one worker, delivered at least once. Subject `task.<taskKind>.v<major>`. */
export interface TaskContract<Input = unknown, Output = unknown> {
  readonly kind: 'task';
  readonly taskKind: string;
  readonly name: string;
  readonly version: number;
  readonly subject: string;
  readonly summary: string;
  readonly input: z.ZodType<Input>;
  readonly output: z.ZodType<Output>;
  /** How long a worker may be silent (no heartbeat, no ack) before the task is delivered again, in milliseconds. */
  readonly ackWaitMs: number;
  /** Deliveries after which the task goes to the dead letters with its reason. */
  readonly maxDeliveries: number;
  /** The durable consumer, where it is not that of the kind. */
  readonly consumer?: string;
}

/** Something that happened, for any subscriber. Subject `evt.<tenant>.<entity>.<action>.v<major>`. */
export interface EventContract<Data = unknown> {
  readonly kind: 'event';
  readonly owner: string;
  readonly entity: string;
  readonly action: string;
  readonly name: string;
  readonly version: number;
  readonly summary: string;
  readonly data: z.ZodType<Data>;
  /** The field of the data with the id of what the event is about: the attribute `subject` of CloudEvents. */
  readonly about: string;
}

/** The durable consumer of a kind of task; replicas share its position, each version has its own. */
export const taskConsumerName = ({
  taskKind,
  version,
  consumer,
}: Pick<TaskContract, 'taskKind' | 'version' | 'consumer'>): string =>
  consumer ?? (version === 1 ? `worker-${taskKind}` : `worker-${taskKind}-v${version}`);

export type Contract = CommandContract | TaskContract | EventContract;

export type RequestOf<C> = C extends { readonly request: z.ZodType<infer Request> } ? Request : never;
export type ResponseOf<C> = C extends { readonly response: z.ZodType<infer Response> } ? Response : never;
export type InputOf<C> = C extends { readonly input: z.ZodType<infer Input> } ? Input : never;
export type OutputOf<C> = C extends { readonly output: z.ZodType<infer Output> } ? Output : never;
export type DataOf<C> = C extends { readonly data: z.ZodType<infer Data> } ? Data : never;

export function defineCommand<Request, Response>(definition: {
  owner: string;
  entity: string;
  action: string;
  version: number;
  summary: string;
  request: z.ZodType<Request>;
  response: z.ZodType<Response>;
}): CommandContract<Request, Response> {
  const { owner, entity, action, version, summary, request, response } = definition;
  const name = `${owner}.${entity}.${action}`;
  return { kind: 'command', owner, name, version, subject: `cmd.${name}.v${version}`, summary, request, response };
}

export function defineTask<Input, Output>(definition: {
  taskKind: string;
  version: number;
  summary: string;
  input: z.ZodType<Input>;
  output: z.ZodType<Output>;
  ackWaitMs?: number;
  maxDeliveries?: number;
  /** Where it is not one for all: with the names of what differs in braces. */
  subject?: string;
}): TaskContract<Input, Output> {
  const { taskKind, version, summary, input, output, ackWaitMs = 30_000, maxDeliveries = 5 } = definition;
  const name = `task.${taskKind}`;
  const { subject = `${name}.v${version}` } = definition;
  return { kind: 'task', taskKind, name, version, subject, summary, input, output, ackWaitMs, maxDeliveries };
}

export function defineEvent<Data>(definition: {
  owner: string;
  entity: string;
  action: string;
  version: number;
  summary: string;
  data: z.ZodType<Data>;
  about: string;
}): EventContract<Data> {
  return { kind: 'event', name: `${definition.entity}.${definition.action}`, ...definition };
}
