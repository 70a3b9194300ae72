/** Something that went wrong where no caller waits for an answer: for a log line and an alert, never silently dropped. */
export interface BusProblem {
  /** Stable, snake_case. */
  readonly code: string;
  readonly message: string;
  readonly subject?: string;
  readonly cause?: unknown;
}

export type ReportProblem = (problem: BusProblem) => void;
