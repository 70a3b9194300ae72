import type { Usage } from '@millrace/contracts';

/** One attempt at one node of a run, as the code that works on it sees it. */
export interface Task {
  /** The same however often the task is delivered: the key under which costly work is recorded. */
  readonly taskId: string;
  readonly runId: string;
  readonly node: string;
  /** Counts from 1; the fence of the result. */
  readonly attempt: number;
  readonly tenantId: string;
  readonly correlationId: string;
  /** The id of the task's message: the cause of whatever the work sends. */
  readonly messageId: string;
  /** 1 for the first delivery of this attempt. */
  readonly deliveryCount: number;
  /** Aborts at the deadline, when the run is cancelled, and when the worker hands its tasks back; hand it on to whatever waits. */
  readonly signal: AbortSignal;
  readonly deadlineAt?: Date;
  /** Hand it on to whatever has the effect: it must do the work once, however often it is asked with this key. */
  readonly idempotencyKey?: string;
  /** Whether somebody may be reading along. */
  readonly stream: boolean;
  /** Shows a piece of text to whoever reads along; returns at once, and does nothing unless `stream`. */
  emitToken(text: string): void;
  /** Says that the work got further, for a node that limits how long it may be idle; costs next to nothing. Emitting a token says so too. */
  progress(): void;
  /** Says that the work goes on. Sent by itself while the process lives; call it only from work that blocks the event loop. */
  heartbeat(): void;
}

export interface TaskResultOf<Output> {
  readonly output: Output;
  readonly usage?: Usage;
}

/**
 * Does the work. A MillraceError fails the attempt with its code, retryable or not; anything else that is thrown
 * fails it with `internal_error`, retryable. The orchestrator decides what follows.
 */
export type ExecuteTask<Input, Output> = (input: Input, task: Task) => Promise<TaskResultOf<Output>>;
