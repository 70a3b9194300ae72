import { notFound, type MillraceError } from '@millrace/kernel';

/** There was a run of this id. */
export const removedRun = (runId: string, removedAt: Date): MillraceError =>
  notFound('run_removed', `The run ${runId} had ended, and was removed on ${removedAt.toISOString()}.`);

export const unknownRun = (runId: string): MillraceError => notFound('unknown_run', `There is no run ${runId}.`);
