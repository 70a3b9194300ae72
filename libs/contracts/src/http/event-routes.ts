import { z } from 'zod';
import { cloudEventSchema } from '../cloud-event/cloud-event.js';
import { eventPatternSchema, newCloudEventSchema } from '../cloud-event/custom-event.js';
import { defineRoute } from './route.js';

const tag = 'events';
const attributeValue = z.string().min(1).max(800).optional();
const attributeFilter = z.string().regex(/^[a-z0-9]{1,20}=.{1,800}$/su, 'must be name=value');

/** What became of an event that was sent. */
export const storedEventSchema = z.object({
  id: z.string(),
  source: z.string(),
  /** Where it is, in the tenant's space: what `subject` of `GET /v1/events` matches. */
  subject: z.string(),
  /** `GET /v1/events?after=` this begins behind the event. */
  cursor: z.string(),
  /** It had been stored before, and was not stored again. */
  duplicate: z.boolean(),
});

export const eventPageSchema = z.object({
  items: z.array(cloudEventSchema),
  /** For the next call, whether or not there is more now. */
  cursor: z.string(),
  /** Whether to ask again at once; else nothing more is stored now. */
  more: z.boolean(),
});

export const eventRoutes = {
  publishEvents: defineRoute({
    name: 'publishEvents',
    tag,
    method: 'POST',
    path: '/v1/events',
    summary:
      'Publishes events of the tenant on `evt.<tenant>.custom.<type>`. 202 means that they are stored; the same `id` and `source` again within five minutes are stored once.',
    role: 'editor',
    body: {
      kind: 'media',
      schemas: {
        'application/cloudevents+json': newCloudEventSchema,
        'application/cloudevents-batch+json': z.array(newCloudEventSchema).min(1).max(100),
      },
    },
    responses: {
      202: { description: 'Each event, in the order given.', schema: z.object({ items: z.array(storedEventSchema) }) },
    },
  }),
  listEvents: defineRoute({
    name: 'listEvents',
    tag,
    method: 'GET',
    path: '/v1/events',
    summary:
      'Events of the tenant, oldest first: a page of them, or all that come with `Accept: text/event-stream`, which resumes exactly after `Last-Event-ID`.',
    role: 'viewer',
    query: z.strictObject({
      /** A cursor, or `now` for what is stored from now on. From the oldest event that is held where it is absent. */
      after: z.string().min(1).max(500).optional(),
      limit: z.int().min(1).max(1000).default(100),
      /** Seconds to wait for an event where there is none yet. */
      wait: z.int().min(0).max(60).default(0),
      /** In the tenant's space, with `*` for one token and `>` for all that follow: `run.*.v1`, `custom.>`. */
      subject: eventPatternSchema.default('>'),
      type: attributeValue,
      source: attributeValue,
      id: attributeValue,
      /** The attribute `subject` of CloudEvents: the id of a run or of a document. */
      about: attributeValue,
      correlationid: attributeValue,
      /** Any other attribute, as `name=value`; all that are given must match. */
      attribute: z.union([attributeFilter, z.array(attributeFilter).max(10)]).optional(),
    }),
    headers: z.object({
      accept: z.string().max(1000).optional(),
      'last-event-id': z.string().max(500).optional(),
    }),
    responses: {
      200: {
        description:
          'A page; or server-sent events: without a name those whose data is an event, `position` to move `Last-Event-ID` on where nothing came, and `problem` (problem details) before an end that is not the reader’s.',
        schema: eventPageSchema,
        mediaType: 'text/event-stream',
      },
    },
  }),
};
