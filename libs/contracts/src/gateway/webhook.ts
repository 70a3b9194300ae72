/** Webhooks: where a tenant has events sent, and what became of each of them. */
import { z } from 'zod';
import { eventPatternSchema } from '../cloud-event/custom-event.js';

const idSchema = (prefix: string, of: string) =>
  z.string().regex(new RegExp(`^${prefix}_[0-9a-f]{32}$`), `must be the id of a ${of}`);

export const webhookIdSchema = idSchema('whk', 'webhook');
export const webhookDeliveryIdSchema = idSchema('msg', 'delivery');

/** The type of the event that is sent to try a webhook; it is on no bus and no filter is asked. */
export const webhookTestType = 'millrace.webhook.test.v1';

const urlSchema = z.string().min(1).max(2_000);
/** Types of events, with `*` for one name and a final `>` for all that follow: `millrace.run.*.v1`, `order.>`. */
const eventsSchema = z.array(eventPatternSchema).min(1).max(20);
const descriptionSchema = z.string().max(200);

export const newWebhookSchema = z.strictObject({
  /** With https, at a host on the public Internet. */
  url: urlSchema,
  events: eventsSchema,
  description: descriptionSchema.default(''),
  /** While it is false nothing is sent, and what happens is not kept for later. */
  enabled: z.boolean().default(true),
});
export type NewWebhook = z.infer<typeof newWebhookSchema>;

export const webhookChangesSchema = z.strictObject({
  url: urlSchema.optional(),
  events: eventsSchema.optional(),
  description: descriptionSchema.optional(),
  enabled: z.boolean().optional(),
});
export type WebhookChanges = z.infer<typeof webhookChangesSchema>;

/** `failing`: nothing has arrived for too long. `gone`: it answered 410. `backlog`: too much waits for it. */
export const webhookDisabledReasonSchema = z.enum(['by-owner', 'failing', 'gone', 'backlog']);
export type WebhookDisabledReason = z.infer<typeof webhookDisabledReasonSchema>;

export const webhookSchema = z.object({
  id: webhookIdSchema,
  url: z.string(),
  events: z.array(z.string()),
  description: z.string(),
  enabled: z.boolean(),
  /** Null while it is enabled. */
  disabledReason: webhookDisabledReasonSchema.nullable(),
  /** Since when every attempt has failed; null where the last one did not. */
  failingSince: z.iso.datetime().nullable(),
  /** Until when the secret of before signs as well; null where there is none. */
  previousSecretUntil: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** `secret` is what deliveries are signed with, `whsec_` and base64. It is shown here and never again. */
export const createdWebhookSchema = webhookSchema.extend({ secret: z.string() });
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

export const webhookRotationSchema = z.strictObject({
  /** For how long deliveries are signed with the secret of before as well. */
  overlapSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .default(86_400),
});

/** `parked`: it was tried as often as it may be, or its webhook was disabled; it is sent again on request only. */
export const webhookDeliveryStateSchema = z.enum(['pending', 'delivered', 'parked']);
export type WebhookDeliveryState = z.infer<typeof webhookDeliveryStateSchema>;

export const webhookDeliverySchema = z.object({
  /** The header `webhook-id`: the same for every attempt. */
  id: webhookDeliveryIdSchema,
  eventId: z.string(),
  eventType: z.string(),
  state: webhookDeliveryStateSchema,
  /** Attempts that were begun. */
  attempts: z.int().nonnegative(),
  /** The status of the last answer; null where none came. */
  lastStatus: z.int().nullable(),
  /** Why the last attempt failed, as a stable code such as `http_500`, `webhook_timeout`, `address_refused`. */
  lastError: z.string().nullable(),
  createdAt: z.iso.datetime(),
  /** When it is tried next at the earliest; null where it is not. */
  nextAttemptAt: z.iso.datetime().nullable(),
  deliveredAt: z.iso.datetime().nullable(),
});
export type WebhookDelivery = z.infer<typeof webhookDeliverySchema>;
