/**
 * Work for programs that a tenant runs itself, in any language with a client of NATS. Every subject names the tenant and the worker,
 * so that what a program may do can be said in subjects: it takes its own tasks, answers them, and nothing else.
 */
import { z } from 'zod';
import { defineTask } from '../contract.js';
import { jsonObjectSchema, jsonValueSchema } from '../shared.js';

/** The tenant whose tasks they are, and the name that the graphs of the tenant call the worker by. */
export interface WorkerIdentity {
  readonly tenantId: string;
  readonly worker: string;
}

const version = 1;
const silenceMs = 30_000;

/** What a graph's `worker` node hands over. The subject of each worker is its own: `customWorkerTaskOf`. */
export const customWorkerTask = defineTask({
  taskKind: 'worker',
  version,
  summary: 'Has a program of the tenant do it.',
  input: jsonObjectSchema,
  output: jsonValueSchema,
  ackWaitMs: silenceMs,
  subject: 'task.worker.{tenant}.{worker}.v1',
});

/** The contract as one worker takes it. `=` is in no name, so that no two workers share a consumer. */
export const customWorkerTaskOf = (identity: WorkerIdentity): typeof customWorkerTask => ({
  ...customWorkerTask,
  subject: customWorkerSubject(identity),
  consumer: `worker=${identity.tenantId}=${identity.worker}`,
});

/** Where tasks for a worker are published. */
export const customWorkerSubject = ({ tenantId, worker }: WorkerIdentity): string =>
  `task.worker.${tenantId}.${worker}.v${version}`;

/** Where a worker sends the results of the runs of a partition, as requests. */
export const customResultSubject = ({ tenantId, worker }: WorkerIdentity, partition: number): string =>
  `result.worker.${tenantId}.${worker}.${partition}.v${version}`;

/** The results of a partition from every worker. */
export const customResultSubjects = (partition: number): string => `result.worker.*.*.${partition}.v${version}`;

/** Who sent what came on such a subject. */
export function senderOfCustomResult(subject: string): WorkerIdentity {
  const [, , tenantId = '', worker = ''] = subject.split('.');
  return { tenantId, worker };
}

/** Where a worker asks for its consumer: who may make consumers may have them deliver to any subject, so it does not itself. */
export const openWorkerSubject = ({ tenantId, worker }: WorkerIdentity): string =>
  `cmd.orchestrator.worker.${tenantId}.${worker}.open.v${version}`;

export const openWorkerSubjects = `cmd.orchestrator.worker.*.*.open.v${version}`;

/** Who asks on such a subject. */
export function askerOfOpening(subject: string): WorkerIdentity {
  const [, , , tenantId = '', worker = ''] = subject.split('.');
  return { tenantId, worker };
}

/** Says where the tasks of a worker wait, after seeing to it that they do. Asked at the start, and whenever the consumer is gone. */
export const openWorker = {
  name: 'orchestrator.worker.open',
  version,
  summary: 'Sees to it that the tasks of a custom worker wait for it, and says where.',
  request: z.strictObject({}),
  response: z.object({
    /** Whether the consumer had to be made. */
    created: z.boolean(),
    /** When it was made: another moment means another consumer of the same name. */
    madeAt: z.string(),
    /** Where to ask for tasks: a pull request of JetStream. */
    next: z.string(),
    /** After this much silence a task is delivered again: acknowledge, or say `+WPI` on its reply subject. */
    ackWaitMs: z.int().positive(),
  }),
};
export type OpenedWorker = z.infer<typeof openWorker.response>;

/** Bytes of a task's input as JSON: what is larger would travel as a claim check, and the store of those has no tenants. */
export const customWorkerInputBytes = 200_000;

/** Bytes of a result as JSON: a program has no claim checks either, and a message of NATS holds a mebibyte. */
export const customWorkerOutputBytes = 900_000;

const [customWork] = customWorkerTask.subject.split('{');

/** Whether a task is for a program of a tenant: nobody may be there to take it, and that is no fault of the installation. */
export const isCustomWork = (subject: string): boolean => subject.startsWith(customWork ?? '');
