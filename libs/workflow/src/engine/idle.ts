import type { TaskOutcome } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { CompiledWorker } from '../compile/compiled-graph.js';

/** How an attempt ends whose worker was not heard of for too long; null for a node without such a limit. */
export function idleOutcome({ idleMs }: CompiledWorker): TaskOutcome | null {
  if (idleMs === null) return null;
  const message = `Nothing was heard of the worker for ${idleMs} ms.`;
  return { status: 'failed', error: new MillraceError('timeout', 'idle_timeout', message).toShape() };
}
