/**
 * Events are CloudEvents 1.0 in the binary mode of the NATS binding: attributes in headers, the envelope as the event's data.
 * Any CloudEvents reader on NATS can route by the headers without knowing our envelope.
 */
import { z } from 'zod';
import type { EventContract } from './contract.js';
import type { Envelope } from './envelope.js';

/** The headers of every message on `evt.>`. */
export const cloudEventHeadersSchema = z.object({
  'ce-specversion': z.literal('1.0'),
  /** The same for a repeat, so that consumers can drop it. */
  'ce-id': z.string(),
  /** `/millrace/<service>`: who says so. */
  'ce-source': z.string(),
  /** `millrace.<entity>.<action>.v<major>`. */
  'ce-type': z.string(),
  'ce-time': z.iso.datetime(),
  'ce-tenantid': z.string(),
  'ce-correlationid': z.string(),
  'content-type': z.literal('application/json'),
});
export type CloudEventHeaders = z.infer<typeof cloudEventHeadersSchema>;

/** The CloudEvents attributes of an event, as headers. */
export function cloudEventHeaders(contract: EventContract, envelope: Envelope): CloudEventHeaders {
  return {
    'ce-specversion': '1.0',
    'ce-id': envelope.id,
    'ce-source': `/millrace/${contract.owner}`,
    'ce-type': `millrace.${contract.name}.v${contract.version}`,
    'ce-time': envelope.occurredAt,
    'ce-tenantid': envelope.tenantId,
    'ce-correlationid': envelope.correlationId,
    'content-type': 'application/json',
  };
}
