import { z } from 'zod';
import { runEventSchema } from './run-event.js';

/** A hint on a run's live subject after a commit. It may be lost: readers fill gaps from the stored events. */
export const liveRunEvents = {
  name: 'live.run-events',
  version: 1,
  data: z.object({ events: z.array(runEventSchema) }),
};
export type LiveRunEvents = z.infer<typeof liveRunEvents.data>;
