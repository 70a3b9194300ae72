/** A tool with an effect outside of the system: one POST with an idempotency key, to the ledger of effects. */
import { jsonValueSchema } from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { z } from 'zod';

export const effectToolName = 'chaos-effect';

export const effectSchema = z.strictObject({
  run: z.string(),
  /** The node, and which item or round of it. */
  node: z.string(),
  key: z.string(),
  /** How many attempts the ledger refuses before it takes the effect. */
  failFirst: z.int().nonnegative().default(0),
  /** How long the ledger takes, in milliseconds. */
  takesMs: z.int().nonnegative().default(0),
});
export type Effect = z.infer<typeof effectSchema>;

/** The same for every attempt, so that the target can tell a repeat. */
const effectKeyOf = ({ run, node, key }: Effect): string => `${run}/${node}/${key}`;

export const effectTool = (ledgerUrl: string) => ({
  name: effectToolName,
  arguments: effectSchema,
  /** @throws MillraceError `effect_refused` (retryable), `effect_target_unreachable` (retryable) */
  execute: async (effect: Effect, { signal }: { readonly signal: AbortSignal }): Promise<JsonValue> => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': effectKeyOf(effect) };
    const request = { method: 'POST', headers, body: JSON.stringify(effect), signal };
    const response = await fetch(ledgerUrl, request).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new MillraceError('unavailable', 'effect_target_unreachable', 'The ledger was not reached.', { cause });
    });
    if (!response.ok) throw new MillraceError('unavailable', 'effect_refused', `The ledger said ${response.status}.`);
    return jsonValueSchema.parse(await response.json());
  },
});
