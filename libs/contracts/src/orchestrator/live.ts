import { z } from 'zod';
import { runIdSchema, runSchema } from './run.js';
import { runEventSchema } from './run-event.js';

/**
 * Says to the owner of a run that somebody follows it, for so long: only then are its events hinted at. Said again while the
 * following lasts, since it may be lost and its owner may change.
 */
export const liveRunFollowed = {
  name: 'live.run-followed',
  version: 1,
  data: z.object({ runId: runIdSchema, forMs: z.int().min(1).max(600_000) }),
};

/** A hint on a followed run's live subject after a commit. It may be lost: readers fill gaps from the stored events. */
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

/**
 * Says to the owner of a run that a worker makes progress with a task whose node limits its idleness: when it begins, while it shows
 * progress, and once with `ended`. Core NATS: one that is lost is made up for by the next.
 */
export const liveTaskBeat = {
  name: 'live.task-beat',
  version: 1,
  data: z.object({
    runId: runIdSchema,
    node: z.string().min(1).max(500),
    attempt: z.int().positive(),
    idleMs: z.int().positive(),
    ended: z.boolean(),
  }),
};
export type LiveTaskBeat = z.infer<typeof liveTaskBeat.data>;
