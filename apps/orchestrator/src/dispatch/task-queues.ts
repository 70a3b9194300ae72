/** In which queue a task waits for a worker: one for each kind, and one for each program of a tenant. */
import { customWorkerTaskOf, taskConsumerName, taskContracts, type TaskKind } from '@millrace/contracts';
import type { TaskQueue } from './task-dispatcher.js';

const ofKinds = new Map<TaskKind, TaskQueue>(
  Object.entries(taskContracts).map(([kind, contract]) => [
    kind as TaskKind,
    { durableName: taskConsumerName(contract), subject: contract.subject },
  ]),
);

export function queueOf(
  tenantId: string,
  { kind, worker }: { readonly kind: TaskKind; readonly worker: string | undefined },
): TaskQueue {
  const shared = ofKinds.get(kind);
  if (worker === undefined && shared !== undefined) return shared;
  const contract = customWorkerTaskOf({ tenantId, worker: worker ?? '' });
  return { durableName: taskConsumerName(contract), subject: contract.subject };
}
