/** What a failed commit means. SQLSTATE codes: PostgreSQL documentation, appendix A. */
import { assertNever, MillraceError } from '@millrace/kernel';
import type { RunWork } from './run-input.js';

/**
 * - `conflict`: somebody else has written the run; fold it anew and decide again.
 * - `data`: the database refuses a value of the batch; it would refuse it again.
 * - `unavailable`: the database was not reached, or its answer was not: the outcome is unknown.
 */
export type CommitFailure = 'conflict' | 'data' | 'unavailable';

const uniqueViolation = '23505';
/** Transaction rollbacks: a deadlock, a serialization failure. */
const rollbackClass = '40';
/** Data exceptions, integrity violations, and limits such as the size of a jsonb value. */
const dataClasses = ['22', '23', '54'];

export function failureOf(error: unknown): CommitFailure {
  const sqlState = sqlStateOf(error);
  if (sqlState === uniqueViolation || sqlState?.startsWith(rollbackClass)) return 'conflict';
  if (sqlState !== null && dataClasses.includes(sqlState.slice(0, 2))) return 'data';
  return 'unavailable';
}

/** The SQLSTATE of an error or of what caused it. */
function sqlStateOf(error: unknown): string | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string' && /^[0-9A-Z]{5}$/.test(current.code))
      return current.code;
  }
  return null;
}

/** What the caller is told of a failed commit. */
export function refused(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  switch (failureOf(error)) {
    case 'conflict':
      return new MillraceError('unavailable', 'run_contended', 'The run was changed by somebody else; try again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    case 'data':
      return new MillraceError(
        'invalid',
        'unstorable_input',
        'The input holds something that cannot be stored, such as the character U+0000 or half of a surrogate pair.',
        { cause: error },
      );
    case 'unavailable':
      return new MillraceError('unavailable', 'database_unavailable', 'The database did not store this; try again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
  }
}

/**
 * What to decide in place of a message that the database refuses, so that the run comes to an end: an output becomes a
 * permanent failure of its attempt; a failure, an idle task or a timer, of which nothing can be left out, fails the run. Null for a
 * command, whose caller hears of it, and where the run's failure is refused too.
 */
export function unstorable(work: RunWork): RunWork | null {
  switch (work.type) {
    case 'task-result':
      return work.outcome.status === 'completed'
        ? { ...work, outcome: { status: 'failed', error: unstorableOutput().toShape() } }
        : { type: 'failure', error: unstorableState, inPlaceOf: work };
    case 'task-idle':
    case 'timer':
      return { type: 'failure', error: unstorableState, inPlaceOf: work };
    case 'slots-granted':
    case 'thread-entered':
    case 'task-begin':
    case 'start':
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'retry':
    case 'migrate':
    case 'signal':
    case 'event':
    case 'decision':
    case 'failure':
      return null;
    default:
      return assertNever(work);
  }
}

const unstorableOutput = (): MillraceError =>
  new MillraceError(
    'invalid',
    'unstorable_output',
    'The output holds something that cannot be stored, such as the character U+0000 or half of a surrogate pair.',
  );

/** Fixed words: what was refused must not come back by way of its error. */
const unstorableState = {
  code: 'unstorable_state',
  message:
    'The database refuses what was to happen next in this run, such as a moment or a size beyond its limits. ' +
    "Check the graph's time limits and the sizes of its values, then start the run again.",
};

/** For a message that came to a replica that does not own the run's partition (any more). */
export const movedPartition = (): MillraceError =>
  new MillraceError('unavailable', 'partition_moved', 'Another replica owns this run now; try again.', {
    retryAfterSeconds: 1,
  });
