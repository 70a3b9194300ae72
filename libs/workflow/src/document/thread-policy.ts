/** What a graph says of the threads that its runs are in. */
import { onBusySchema } from '@millrace/contracts';
import type { JsonValue, Violation } from '@millrace/kernel';
import { z } from 'zod';
import { describeType, type ValueType } from '../expression/types.js';
import { template } from './scalars.js';

export const threadPolicy = z.strictObject({
  onBusy: onBusySchema
    .default('queue')
    .describe('What a run does whose thread has another one under way; the start of a run may say otherwise.'),
  state: template
    .optional()
    .describe(
      "Merged into the thread's state when a run completes (JSON Merge Patch, RFC 7396): null removes a field.",
    ),
});

export interface ThreadDocument {
  onBusy: z.infer<typeof onBusySchema>;
  state?: JsonValue | undefined;
}

/** What is wrong with what the patch yields, if that is known. */
export function checkThreadPatch(type: ValueType): Violation['message'] | null {
  if (type.kind === 'object' || type.kind === 'any') return null;
  return `This must yield an object, but it yields ${describeType(type)}.`;
}
