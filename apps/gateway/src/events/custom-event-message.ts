/** What is stored for an event that a tenant publishes, and whether a stored one is the same. Pure. */
import {
  type CloudEvent,
  customEntity,
  customEventSubject,
  headersOfAttributes,
  type MessageContext,
  type NewCloudEvent,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { OutgoingMessage } from '@millrace/messaging';
import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import { mistakesIn } from '../endpoint/mistakes.js';

/** Data of one event as JSON; more than this belongs into a store that the event points at. */
const maximumDataBytes = 128 * 1024;

/**
 * The message of an event; `place` is the JSON pointer to it in the body.
 * @throws MillraceError `event_too_large`, `invalid_body` for an event of another tenant
 */
export function customEventMessage(
  event: NewCloudEvent,
  place: string,
  context: MessageContext,
  now: Date,
): OutgoingMessage {
  const { data = null, ...attributes } = event;
  const bytes = Buffer.byteLength(JSON.stringify(data));
  if (bytes > maximumDataBytes) {
    const message = `The data of the event at "${place}" has ${bytes} bytes; ${maximumDataBytes} are allowed.`;
    throw new MillraceError('too-large', 'event_too_large', message);
  }
  if (event['tenantid'] !== undefined && event['tenantid'] !== context.tenantId) {
    throw mistakesIn('body', [{ pointer: `${place}/tenantid`, message: 'must be your own tenant, or be left out' }]);
  }
  const { tenantId } = context;
  const { id, source, type, correlationid = context.correlationId, causationid, time = now.toISOString() } = event;
  const headers = headersOfAttributes({
    ...(attributes as Record<string, string | number | boolean | undefined>),
    time,
    datacontenttype: 'application/json',
    tenantid: tenantId,
    correlationid,
  });
  const envelope = {
    id: deduplicationId(tenantId, source, id),
    type: `${customEntity}.event`,
    version: 1,
    tenantId,
    occurredAt: new Date(time).toISOString(),
    correlationId: correlationid,
    causationId: causationid ?? null,
    data,
  };
  return { subject: customEventSubject(tenantId, type), envelope, headers };
}

/** The stream recognises a repeat by this, so it must differ between tenants and between sources. */
const deduplicationId = (...parts: readonly string[]): string =>
  `event_${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;

/** Whether a stored event says all that a sent one says; what was added when it was stored does not count. */
export function isSameEvent(sent: NewCloudEvent, stored: CloudEvent): boolean {
  return Object.entries({ ...sent, data: sent.data ?? null, datacontenttype: undefined }).every(([name, value]) => {
    if (value === undefined) return true;
    // Attributes travel as text.
    const said = typeof value === 'boolean' || typeof value === 'number' ? String(value) : value;
    return canonicalize(name === 'data' ? value : said) === canonicalize(stored[name]);
  });
}
