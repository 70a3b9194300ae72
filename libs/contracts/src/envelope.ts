import { newId, type Clock, systemClock } from '@millrace/kernel';
import { z } from 'zod';
import { tokenPattern } from './subjects.js';

export const tenantIdSchema = z.string().regex(tokenPattern, 'must be 1 to 63 lower-case letters, digits, - or _');

/** What surrounds every message. `correlationId` is that of the request that began it all, `causationId` that of the message before. */
export const envelopeSchema = z.object({
  /** A task's id holds the path of its node, so ids may be long. */
  id: z.string().min(1).max(800),
  type: z.string().min(1).max(200),
  version: z.int().positive(),
  tenantId: tenantIdSchema,
  occurredAt: z.iso.datetime(),
  correlationId: z.string().min(1).max(200),
  causationId: z.string().min(1).max(800).nullable(),
  data: z.unknown(),
});

export type Envelope<Data = unknown> = Omit<z.infer<typeof envelopeSchema>, 'data'> & { readonly data: Data };

/** Where a message comes from: what its children inherit. */
export interface MessageContext {
  readonly tenantId: string;
  readonly correlationId: string;
  readonly causationId: string | null;
}

/** The context for messages that `envelope` causes. */
export const causedBy = (envelope: Envelope): MessageContext => ({
  tenantId: envelope.tenantId,
  correlationId: envelope.correlationId,
  causationId: envelope.id,
});

/** Wraps data for a contract. `id` is the deduplication id: give a stable one where a repeat must be absorbed. */
export function envelopeOf<Data>(
  contract: { readonly name: string; readonly version: number },
  context: MessageContext,
  data: Data,
  options: { readonly id?: string; readonly clock?: Clock } = {},
): Envelope<Data> {
  return {
    id: options.id ?? newId('msg'),
    type: contract.name,
    version: contract.version,
    tenantId: context.tenantId,
    occurredAt: (options.clock ?? systemClock).now().toISOString(),
    correlationId: context.correlationId,
    causationId: context.causationId,
    data,
  };
}
