/**
 * Events that a tenant publishes itself. They live under a name of their own, `evt.<tenant>.custom.<type>`, under which no service
 * of Millrace ever publishes, so that none of them can be taken for one of ours, and a NATS user may be granted just that.
 */
import { z } from 'zod';
import { jsonValueSchema } from '../shared.js';
import { encodeHeaderValue } from './header-values.js';

/** The entity of custom events. */
export const customEntity = 'custom';

/** Where a tenant's own event of a type is published. */
export const customEventSubject = (tenantId: string, type: string): string => `evt.${tenantId}.${customEntity}.${type}`;

/** Every event of a tenant. */
export const tenantEventsSubject = (tenantId: string, pattern = '>'): string => `evt.${tenantId}.${pattern}`;

const token = '[A-Za-z0-9][A-Za-z0-9_-]{0,62}';
/** Events in a tenant's space: names with `*` for one of them and `>` for all that follow. */
export const eventPatternSchema = z
  .string()
  .max(500)
  .regex(new RegExp(`^((\\*|${token})\\.)*(\\*|>|${token})$`), 'must be names, "*" or a final ">", joined by dots');

const typePattern = new RegExp(`^${token}(\\.${token}){0,7}$`);
const reservedType = /^millrace(\.|$)/i;
const reservedSource = /^\/*millrace(\/|$)/i;
/** Visible ASCII: a reference to a resource (RFC 3986) has nothing else. */
const referencePattern = /^[\x21-\x7e]+$/;
const jsonMediaType = /^application\/([a-z0-9.-]+\+)?json\s*(;.*)?$/i;
const extensionName = /^[a-z0-9]{1,20}$/;
/** As CloudEvents wants: no control characters, nothing that is no character. */
const attributeText = /^[^\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]+$/u;

const longestValue = 500;
const maximumExtensions = 20;
/** Of all attributes together, as they travel in headers. */
const maximumAttributeBytes = 8 * 1024;

const text = (longest: number) =>
  z.string().min(1).max(longest).regex(attributeText, 'must not hold control characters');
const extensionValue = z.union([text(longestValue), z.boolean(), z.int32()]);

const contextAttributes = {
  specversion: z.literal('1.0'),
  /** Unique together with `source`: the same again is the same event, and is stored once. */
  id: text(200),
  /** Who says so: a URI reference, but none that begins with `/millrace`. */
  source: z
    .string()
    .max(longestValue)
    .regex(referencePattern, 'must be a URI reference')
    .refine((source) => !reservedSource.test(decoded(source)), 'must not begin with /millrace'),
  /** Up to 8 names joined by dots, none of them `millrace` at the beginning: it becomes the end of the subject. */
  type: z
    .string()
    .max(200)
    .regex(typePattern, 'must be 1 to 8 names joined by dots, each of letters, digits, - or _')
    .refine((type) => !reservedType.test(type), 'must not begin with "millrace"'),
  subject: text(longestValue).optional(),
  /** Now where it is absent. */
  time: z.iso.datetime({ offset: true }).optional(),
  datacontenttype: z.string().max(100).regex(jsonMediaType, 'must be application/json: data is JSON').optional(),
  dataschema: z.string().max(longestValue).regex(referencePattern, 'must be a URI').optional(),
  /** That of the request where it is absent. */
  correlationid: text(200).optional(),
  causationid: text(longestValue).optional(),
};

/** An event as a tenant sends it, in the JSON format of CloudEvents; what is not listed are extension attributes. */
export const newCloudEventSchema = z
  .looseObject({ ...contextAttributes, data: jsonValueSchema.optional() })
  .superRefine((event, context) => {
    const refuse = (message: string, ...path: string[]): void =>
      context.addIssue({ code: 'custom', message, path, input: event });
    const extensions = Object.entries(event).filter(([name]) => name !== 'data' && !(name in contextAttributes));
    if (extensions.length > maximumExtensions) refuse(`has more than ${maximumExtensions} extension attributes`);
    for (const [name, value] of extensions) {
      if (name === 'data_base64') refuse('is not taken: send JSON in "data"', name);
      else if (!extensionName.test(name)) refuse('must be a name of 1 to 20 lower-case letters or digits', name);
      else if (!extensionValue.safeParse(value).success)
        refuse(`must be a text of 1 to ${longestValue} characters, a boolean or a whole number of 32 bits`, name);
    }
    const bytes = Object.entries(event).reduce((sum, [name, value]) => sum + headerBytes(name, value), 0);
    if (bytes > maximumAttributeBytes)
      refuse(`has attributes of ${bytes} bytes; ${maximumAttributeBytes} are allowed: put more into data`);
  });
export type NewCloudEvent = z.infer<typeof newCloudEventSchema>;

function headerBytes(name: string, value: unknown): number {
  return name === 'data' || typeof value !== 'string' ? 0 : name.length + encodeHeaderValue(value).length;
}

/** As a reader might take it who decodes it. */
function decoded(reference: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    return reference;
  }
}
