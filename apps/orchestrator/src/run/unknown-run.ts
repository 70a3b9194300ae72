import { notFound, type MillraceError } from '@millrace/kernel';

export const unknownRun = (runId: string): MillraceError => notFound('unknown_run', `There is no run ${runId}.`);
