import {
  customWorkerOutputBytes,
  customWorkerTaskOf,
  type InputOf,
  type OutputOf,
  type WorkerIdentity,
  type customWorkerTask,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { startWorker, type RunningWorker, type WorkerOptions } from './start-worker.js';
import type { ExecuteTask } from './task.js';

type Execute = ExecuteTask<InputOf<typeof customWorkerTask>, OutputOf<typeof customWorkerTask>>;

export interface CustomWorkerOptions
  extends WorkerIdentity, Omit<WorkerOptions<unknown, unknown>, 'contract' | 'execute' | 'tenantId'> {
  /** `input` is the `with` of the node; the output is that of the node. */
  readonly execute: Execute;
}

/**
 * Works on the tasks of a tenant's graphs whose nodes say `kind: worker` and this name. The bus is that of `connectCustomWorker`.
 * @throws MillraceError `invalid_configuration` when there is no slot, `no_responders` when no orchestrator is there
 */
export function startCustomWorker({ worker, execute, ...options }: CustomWorkerOptions): Promise<RunningWorker> {
  const contract = customWorkerTaskOf({ tenantId: options.tenantId, worker });
  return startWorker({ ...options, contract, execute: bounded(execute) });
}

/** What is too large for a message of NATS is told in words; the bus could only refuse it. */
const bounded =
  (execute: Execute): Execute =>
  async (input, task) => {
    const result = await execute(input, task);
    const bytes = Buffer.byteLength(JSON.stringify(result.output) ?? '');
    if (bytes <= customWorkerOutputBytes) return result;
    const message = `The output takes ${bytes} bytes as JSON; a worker gives back at most ${customWorkerOutputBytes}.`;
    throw new MillraceError('too-large', 'output_too_large', message);
  };
