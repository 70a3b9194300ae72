/** Results of several tasks in one request: the sibling of `task.result` for workers that finish many at once. */
import { z } from 'zod';
import { errorShapeSchema } from '../shared.js';
import { taskResult } from './task.js';

/** So many results travel together at most. */
export const mostResultsTogether = 64;

const togetherSchema = taskResult.request.extend({
  /** The trace that the task belongs to, as the header of a request of its own would say. */
  traceparent: z.string().max(200).optional(),
});

/**
 * Sent to the `togetherTo` of the tasks, all of one tenant. Each result stands for itself, as if it had come alone: it is fenced, stored
 * and answered by itself, and one that fails does not fail its neighbours.
 */
export const taskResults = {
  name: 'task.results',
  version: 1,
  request: z.object({ results: z.array(togetherSchema).min(1).max(mostResultsTogether) }),
  /** One verdict for each result, in their order: the reply that it would have had alone, or the error. */
  response: z.object({ verdicts: z.array(z.union([taskResult.response, z.object({ error: errorShapeSchema })])) }),
};
export type TaskResults = z.infer<typeof taskResults.request>;
export type ResultTogether = TaskResults['results'][number];
export type TaskResultsReply = z.infer<typeof taskResults.response>;
