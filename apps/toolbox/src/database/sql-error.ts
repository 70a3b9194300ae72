import { MillraceError } from '@millrace/kernel';

/** An error of the database: what it says of the statement is told, what it says of itself and of its address is not. */
export function sqlError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const { code = '', message } = thrown as { code?: string; message: string };
  const cause = { cause: thrown };
  if (code === '57014')
    return new MillraceError('timeout', 'statement_timeout', 'The statement took longer than it may.', cause);
  if (code.startsWith('25') || code === '42501')
    return new MillraceError('forbidden', 'not_permitted', `The statement is not permitted: ${message}.`, cause);
  if (/^(0A|21|22|26|2F|42)/.test(code))
    return new MillraceError('invalid', 'sql_error', `The statement is wrong: ${message} (${code}).`, cause);
  return new MillraceError(
    'unavailable',
    'source_unavailable',
    'The database cannot be reached, or does not answer.',
    cause,
  );
}
