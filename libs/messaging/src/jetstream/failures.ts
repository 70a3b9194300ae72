/** Errors of the JetStream API. */
import { MillraceError } from '@millrace/kernel';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/nats-core';

/** As the server numbers them. */
export const apiCode = {
  streamNameInUse: 10058,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
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

/** Whether the server does not let this user do it; the client may have put the error into another one. */
export const isForbidden = (error: unknown): boolean =>
  error instanceof errors.PermissionViolationError || (error instanceof Error && isForbidden(error.cause));

/** Why the server did not store a message, as it says in its reply. */
export function refusal(stream: string, errorCode: number, description: string): MillraceError {
  if (fullCodes.has(errorCode)) {
    return new MillraceError('overloaded', 'stream_full', `The stream ${stream} is full.`, { retryAfterSeconds: 5 });
  }
  const text = `The stream ${stream} did not take the message: ${description} (${errorCode}).`;
  return new MillraceError('unavailable', 'stream_unavailable', text);
}

/** What asking for a confirmation failed with, in the words of publishing. */
export function confirmationFailure(error: MillraceError, stream: string): MillraceError {
  if (error.code === 'request_timeout') {
    const text = `${stream} did not confirm in time. The message may be stored: send it again with the same id.`;
    return new MillraceError('timeout', 'publish_timeout', text);
  }
  if (error.code === 'no_responders') {
    return new MillraceError('unavailable', 'stream_unavailable', `Nobody stores messages of ${stream} now.`);
  }
  return error;
}
