/**
 * Events are CloudEvents 1.0. On NATS they travel in the binary content mode of the NATS protocol binding: each attribute in a header of
 * its name behind `ce-`, and the envelope, which is JSON, as the event's data. Any reader of CloudEvents on NATS can route by the headers without
 * knowing our envelope. Over HTTP they are JSON objects whose `data` is the envelope's, for its other fields are attributes already.
 */
import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import type { EventContract } from '../contract.js';
import type { Envelope } from '../envelope.js';
import { jsonValueSchema } from '../shared.js';
import { decodeHeaderValue, encodeHeaderValue } from './header-values.js';

const prefix = 'ce-';

/** The headers of every message on `evt.>`; other attributes that an event has are headers of the same form. */
export const cloudEventHeadersSchema = z.object({
  'ce-specversion': z.literal('1.0'),
  /** The same for a repeat, so that consumers can drop it. */
  'ce-id': z.string(),
  /** `/millrace/<service>`, or what a tenant says of its own event. */
  'ce-source': z.string(),
  /** `millrace.<entity>.<action>.v<major>`, or the type of a tenant's own event. */
  'ce-type': z.string(),
  /** What it is about: the id of a run or of a document. */
  'ce-subject': z.string().optional(),
  'ce-time': z.iso.datetime({ offset: true }),
  'ce-datacontenttype': z.literal('application/json'),
  'ce-tenantid': z.string(),
  'ce-correlationid': z.string(),
  'ce-causationid': z.string().optional(),
});
export type CloudEventHeaders = Readonly<Record<`ce-${string}`, string>>;

/** An event in the JSON format of CloudEvents. Attributes that are not listed are those of a tenant's own event, as text. */
export const cloudEventSchema = z.looseObject({
  specversion: z.literal('1.0'),
  /** Unique together with `source`; a repeat has the same. */
  id: z.string(),
  /** `/millrace/<service>`, or what a tenant said of its own event. */
  source: z.string(),
  /** `millrace.<entity>.<action>.v<major>`, or the type of a tenant's own event. */
  type: z.string(),
  /** What it is about: the id of a run or of a document. */
  subject: z.string().optional(),
  time: z.iso.datetime({ offset: true }),
  datacontenttype: z.literal('application/json'),
  tenantid: z.string(),
  /** That of the request that began it all. */
  correlationid: z.string(),
  /** The id of what caused it. */
  causationid: z.string().optional(),
  data: jsonValueSchema.optional(),
});
export type CloudEvent = z.infer<typeof cloudEventSchema>;

/** Attributes by name; what is undefined is left out. */
export type CloudEventAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** The CloudEvents attributes of an event of ours, as headers. */
export function cloudEventHeaders(contract: EventContract, envelope: Envelope): CloudEventHeaders {
  return headersOfAttributes({
    specversion: '1.0',
    id: envelope.id,
    source: `/millrace/${contract.owner}`,
    type: `millrace.${contract.name}.v${contract.version}`,
    subject: (envelope.data as Readonly<Record<string, string>>)[contract.about],
    time: envelope.occurredAt,
    datacontenttype: 'application/json',
    tenantid: envelope.tenantId,
    correlationid: envelope.correlationId,
    causationid: envelope.causationId ?? undefined,
  });
}

export function headersOfAttributes(attributes: CloudEventAttributes): CloudEventHeaders {
  const headers: Record<`ce-${string}`, string> = {};
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) headers[`${prefix}${name}`] = encodeHeaderValue(String(value));
  }
  return headers;
}

/** The event that a stored message is, in the JSON format; undefined for one that says too little of itself. */
export function cloudEventOf(message: {
  readonly headers: Readonly<Record<string, string>>;
  readonly envelope: Envelope;
}): CloudEvent | undefined {
  try {
    const parsed = cloudEventSchema.safeParse({ ...attributesIn(message.headers), data: message.envelope.data });
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof MillraceError) return undefined;
    throw error;
  }
}

/** Names of headers know no case. @throws MillraceError `invalid_attribute` */
function attributesIn(headers: Readonly<Record<string, string>>): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name in headers) {
    const lower = name.toLowerCase();
    if (lower.startsWith(prefix)) attributes[lower.slice(prefix.length)] = decodeHeaderValue(headers[name] ?? '');
  }
  return attributes;
}
