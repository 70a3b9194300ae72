/** What a program of a tenant may do: take the tasks of one worker, answer them, and hear which runs of its tenant are cancelled. */
import {
  customWorkerTaskOf,
  deadLetterSubject,
  eventSubject,
  nameSchema,
  openWorkerSubject,
  runCancelledEvent,
  taskConsumerName,
  tenantIdSchema,
  type WorkerIdentity,
} from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { NatsPermissions } from './nats-permissions.js';

/** No tenant and no worker has a dot in its name, so no two programs share a user. */
export const customWorkerUser = ({ tenantId, worker }: WorkerIdentity): string => `worker.${tenantId}.${worker}`;

/** Where replies to the program come in: tokens of their own, so that none is a part of another's. */
export const customWorkerInbox = (identity: WorkerIdentity): string => `_INBOX_${customWorkerUser(identity)}`;

/** @throws MillraceError `invalid_worker` */
export function customWorkerPermissions(identity: WorkerIdentity): NatsPermissions {
  const { tenantId, worker } = identity;
  if (!tenantIdSchema.safeParse(tenantId).success || !nameSchema.safeParse(worker).success) {
    throw invalidInput('invalid_worker', `"${tenantId.slice(0, 100)}/${worker.slice(0, 100)}" is no worker.`);
  }
  const contract = customWorkerTaskOf(identity);
  const consumer = taskConsumerName(contract);
  return {
    publish: {
      allow: [
        openWorkerSubject(identity),
        `$JS.API.CONSUMER.MSG.NEXT.TASKS.${consumer}`,
        `$JS.ACK.TASKS.${consumer}.>`,
        `$JS.ACK.*.*.TASKS.${consumer}.>`,
        `result.worker.${tenantId}.${worker}.*.*`,
        deadLetterSubject(contract.subject),
      ],
    },
    subscribe: { allow: [`${customWorkerInbox(identity)}.>`, eventSubject(runCancelledEvent, tenantId)] },
  };
}
