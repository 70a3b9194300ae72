/** How a message that cannot be processed is kept: as it was, with its reason in the headers. */
import { deadLetterSubject, tenantIdSchema, type Envelope } from '@millrace/contracts';
import type { ErrorShape } from '@millrace/kernel';
import type { Headers } from '../bus.js';
import { isClaim } from '../claim-check/claim-check.js';
import type { HeldRawMessage, RawMessage } from '../transport.js';
import { encodeJson } from '../wire/envelope.js';
import { asHeaderValue, claimCheckHeader, deadLetterHeaders, readersHeaders } from '../wire/headers.js';

/** The type of the envelope around what cannot be read: `data` is `{ base64, missingPayload? }`, the latter a SHA-256. */
const unreadableMessageType = 'unreadable-message';
/** The tenant of a dead letter whose tenant nobody can tell. */
const unattributedTenant = 'unattributed';

interface Burial {
  readonly held: HeldRawMessage;
  readonly error: ErrorShape;
  readonly stream: string;
  readonly durableName: string;
}

/** Failures of reading: the original bytes would make the dead letter as unreadable as the message was. */
const readingFailures: ReadonlySet<string> = new Set(['invalid_message', 'blob_missing']);

/** The dead letter and its id, the same however often the same message is buried. */
export function deadLetterOf(burial: Burial): RawMessage & { readonly messageId: string } {
  const { held, error, stream, durableName } = burial;
  const messageId = `dead:${stream}:${durableName}:${held.sequence}`;
  const subject = deadLetterSubject(held.subject);
  const reason = reasonHeaders(burial);
  if (!readingFailures.has(error.code)) {
    return { subject, payload: held.payload, headers: { ...held.headers, ...reason }, messageId };
  }
  const payload = encodeJson(wrapUnreadable(held, messageId));
  return { subject, payload, headers: { ...readersHeaders(held.headers), ...reason }, messageId };
}

function reasonHeaders({ held, error, stream, durableName }: Burial): Headers {
  return {
    [deadLetterHeaders.code]: asHeaderValue(error.code),
    [deadLetterHeaders.reason]: asHeaderValue(error.message),
    [deadLetterHeaders.subject]: held.subject,
    [deadLetterHeaders.consumer]: durableName,
    [deadLetterHeaders.deliveryCount]: String(held.deliveryCount),
    [deadLetterHeaders.stream]: stream,
    [deadLetterHeaders.sequence]: String(held.sequence),
  };
}

function wrapUnreadable(held: HeldRawMessage, messageId: string): Envelope {
  const [kind, second] = held.subject.split('.');
  const tenant = kind === 'evt' ? tenantIdSchema.safeParse(second) : undefined;
  return {
    id: messageId,
    type: unreadableMessageType,
    version: 1,
    tenantId: tenant?.data ?? unattributedTenant,
    occurredAt: new Date().toISOString(),
    correlationId: messageId,
    causationId: null,
    data: {
      base64: Buffer.from(held.payload).toString('base64'),
      ...(isClaim(held.headers) && { missingPayload: held.headers[claimCheckHeader] }),
    },
  };
}
