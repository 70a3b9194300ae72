/** What the client and the server throw, as errors with a stable code. */
import { MillraceError } from '@millrace/kernel';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';

/** Error codes of the JetStream API, as the server numbers them. */
export const apiCode = {
  streamNotFound: 10059,
  streamNameInUse: 10058,
  consumerNotFound: 10014,
  consumerNameExists: 10013,
  consumerAlreadyExists: 10148,
  filterNotUnique: 10100,
  maximumReached: 10077,
  insufficientResources: 10023,
  memoryExceeded: 10028,
  storageExceeded: 10047,
} as const;

const fullCodes: ReadonlySet<number> = new Set([
  apiCode.maximumReached,
  apiCode.insufficientResources,
  apiCode.memoryExceeded,
  apiCode.storageExceeded,
]);

export const hasApiCode = (error: unknown, ...codes: readonly number[]): boolean =>
  error instanceof JetStreamApiError && codes.includes(error.code);

export const isTimeout = (error: unknown): boolean => error instanceof errors.TimeoutError;

export function publishFailure(error: unknown, stream: string): MillraceError {
  if (error instanceof MillraceError) return error;
  if (error instanceof JetStreamApiError && fullCodes.has(error.code)) {
    const options = { retryAfterSeconds: 5, cause: error };
    return new MillraceError('overloaded', 'stream_full', `The stream ${stream} is full.`, options);
  }
  if (isTimeout(error)) {
    const text = `${stream} did not confirm in time. The message may be stored: send it again with the same id.`;
    return new MillraceError('timeout', 'publish_timeout', text, { cause: error });
  }
  if (isNoResponders(error)) {
    return new MillraceError('unavailable', 'stream_unavailable', `Nobody stores ${stream} now.`, { cause: error });
  }
  return unavailable(error);
}

export function requestFailure(error: unknown, subject: string, timeoutMs: number): MillraceError {
  if (error instanceof MillraceError) return error;
  if (isTimeout(error)) {
    return new MillraceError('timeout', 'request_timeout', `No reply on "${subject}" within ${timeoutMs} ms.`);
  }
  if (isNoResponders(error))
    return new MillraceError('unavailable', 'no_responders', `Nobody answers on "${subject}".`);
  return unavailable(error);
}

/** The client wraps it once or twice. */
function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof Error && error.cause !== undefined && isNoResponders(error.cause);
}

const unavailable = (cause: unknown): MillraceError =>
  new MillraceError('unavailable', 'bus_unavailable', 'NATS did not take the message.', { cause });
