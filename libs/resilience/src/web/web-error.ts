import { MillraceError } from '@millrace/kernel';

/** What node says of connections that may come about another time. */
const passing: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EPIPE', 'ETIMEDOUT', 'UND_ERR_SOCKET', 'ERR_STREAM_PREMATURE_CLOSE'],
]);

/** An error of a connection, in words that name no address. What stops the signal stops the request with the same reason. */
export function webError(thrown: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  if (thrown instanceof MillraceError) return thrown;
  // Several addresses were tried, and none answered.
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return webError(thrown.errors[0], signal);
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const cause = { cause: thrown };
  if (passing.has(code))
    return new MillraceError('unavailable', 'unreachable', `The host did not answer (${code}).`, cause);
  if (/CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(code))
    return new MillraceError('invalid', 'tls_failed', `No secure connection came about (${code}).`, cause);
  if (/^(HPE_|Z_|ERR_|BROTLI)/i.test(code))
    return new MillraceError('invalid', 'invalid_response', `The answer cannot be read (${code}).`, cause);
  return new MillraceError('unavailable', 'unreachable', 'The connection failed.', cause);
}
