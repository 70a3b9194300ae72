import { z } from 'zod';
import { runSchema } from './run.js';
import { runEventSchema } from './run-event.js';

/** A hint on a run's live subject after a commit. It may be lost: readers fill gaps from the stored events. */
export const liveRunEvents = {
  name: 'live.run-events',
  version: 1,
  data: z.object({ events: z.array(runEventSchema) }),
};
export type LiveRunEvents = z.infer<typeof liveRunEvents.data>;

/**
 * The end of a run, on a subject of its own after its commit, for those who wait for nothing else. It may be lost too. `run` is
 * null for one that is too large for a hint: read it.
 */
export const liveRunEnded = {
  name: 'live.run-ended',
  version: 1,
  data: z.object({ run: runSchema.nullable() }),
};
