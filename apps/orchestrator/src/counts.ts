/** What the orchestrator counts, in one place. Numbers since the start of the process; `measuring/` shows them. */
export interface OrchestratorCounts {
  /** Committed batches, and the events in them. */
  batches: number;
  events: number;
  /** Messages that changed nothing: repeated starts, results with a stale fence, results of unknown runs, late timers. */
  repeatedStarts: number;
  staleResults: number;
  unknownRunResults: number;
  staleTimers: number;
  /** Messages turned away because too many were waiting. */
  overloads: number;
  /** Tasks published again from the events. */
  republishedTasks: number;
  failedPublishes: number;
}

export const newCounts = (): OrchestratorCounts => ({
  batches: 0,
  events: 0,
  repeatedStarts: 0,
  staleResults: 0,
  unknownRunResults: 0,
  staleTimers: 0,
  overloads: 0,
  republishedTasks: 0,
  failedPublishes: 0,
});
