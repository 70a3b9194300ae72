/** Errors of Postgres, PGlite and their connections, as the rest of Millrace knows them. */
import { types } from 'node:util';
import { MillraceError } from '@millrace/kernel';

/** The SQLSTATE of an error of the database, else undefined. */
export function sqlState(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Errors of Node's own modules may come from another realm (as under Jest), where `instanceof Error` does not hold. */
function codeOf(error: unknown): string | undefined {
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export const hasSqlState = (error: unknown, ...states: readonly string[]): boolean =>
  states.includes(sqlState(error) ?? '');

/** Whether an insert or update met an existing key; with a name, that of this constraint. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!hasSqlState(error, '23505')) return false;
  return constraint === undefined || (error as { constraint?: unknown }).constraint === constraint;
}

const networkErrors = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ENOENT'.split(' '),
);
/** What pg says without a code when a connection is lost or silent. */
const lostConnection = /^(Connection terminated|Client has encountered a connection error|Query read timeout)/;
const closedByUs = /^Cannot use a pool after calling end/;
const noFreeConnection = /^timeout exceeded when trying to connect/;

/**
 * What a caller can act on becomes a MillraceError without connection details; anything else (a constraint, a mistake
 * in SQL, whatever `work` threw) comes back as it is.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof MillraceError || !types.isNativeError(error)) return error;
  const state = sqlState(error);
  if (state !== undefined) return translateState(state, error);
  if (isLostConnection(error)) return unavailable(error);
  if (closedByUs.test(error.message)) return databaseClosed();
  if (noFreeConnection.test(error.message)) return overloaded({ cause: error });
  return error;
}

/** Whether the error is of the connection rather than of a statement on it. */
function isLostConnection(error: Error): boolean {
  // Node tries each address of a host and gathers why each failed; the gathering error carries the code of the first.
  if (networkErrors.has(codeOf(error) ?? '')) return true;
  return lostConnection.test(error.message);
}

function translateState(state: string, cause: Error): unknown {
  switch (state) {
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P03': // cannot_connect_now
    case '53100': // disk_full
    case '53200': // out_of_memory
    case '53300': // too_many_connections
    case '25P03': // idle_in_transaction_session_timeout
      return unavailable(cause);
    case '28000': // invalid_authorization_specification
    case '28P01': // invalid_password
    case '3D000': // invalid_catalog_name
      return new MillraceError(
        'unavailable',
        'database_refused',
        'The database refused the connection: check user, password and database name.',
        { cause, retryable: false },
      );
    case '57014': // query_canceled, by statement_timeout
    case '55P03': // lock_not_available, by lock_timeout
      return new MillraceError('timeout', 'database_timeout', 'The database took too long.', { cause });
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
      return new MillraceError('conflict', 'database_conflict', 'Concurrent changes collided; try again.', {
        cause,
        retryable: true,
      });
    case '22021': // character_not_in_repertoire
    case '22P05': // untranslatable_character
      return new MillraceError('invalid', 'unstorable_text', 'Text must not hold the NUL character (U+0000).', {
        cause,
      });
    case '42501': // insufficient_privilege, also by row-level security
      return new MillraceError('forbidden', 'database_access_denied', 'This was not granted to the role.', { cause });
    default:
      return state.startsWith('08') ? unavailable(cause) : cause;
  }
}

const unavailable = (cause: Error): MillraceError =>
  new MillraceError('unavailable', 'database_unavailable', 'The database does not answer.', { cause });

export const databaseClosed = (): MillraceError =>
  new MillraceError('unavailable', 'database_closed', 'This database was closed.', { retryable: false });

export const overloaded = (options: { cause?: unknown } = {}): MillraceError =>
  new MillraceError(
    'overloaded',
    'database_overloaded',
    'No database connection became free in time. (A transaction opened inside another one waits for itself.)',
    { ...options, retryAfterSeconds: 1 },
  );
