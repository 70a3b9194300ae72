import { z } from 'zod';

/** Chosen by the caller: of a conversation, a customer, a ticket. */
export const threadIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
    'must be 1 to 128 letters, digits, ., _, ~ or -, of which the first is a letter or a digit',
  );

/**
 * What a run does whose thread has another one under way: it is refused (`reject`), waits until those before it have ended (`queue`),
 * or has the one under way cancelled and comes next (`interrupt`).
 */
export const onBusySchema = z.enum(['reject', 'queue', 'interrupt']);
export type OnBusy = z.infer<typeof onBusySchema>;
