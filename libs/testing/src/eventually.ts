import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long the condition may take to hold, in milliseconds. Default 20,000: much more than any condition needs, on a machine that does much else. */
  readonly timeoutMs?: number;
  /** Time between two looks, in milliseconds. Default 20. */
  readonly intervalMs?: number;
  /** What is awaited, for the error: "the run is completed". */
  readonly describe?: string;
}

/**
 * Waits for a condition instead of a duration: looks again until `check` neither throws nor gives `false`, and
 * resolves with what it gave.
 * @throws Error that names the condition and carries the last failure as `cause`, when the time is over.
 */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  options: EventuallyOptions = {},
): Promise<Exclude<Result, false>> {
  const { timeoutMs = 20_000, intervalMs = 20, describe = 'the condition holds' } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const outcome = await look(check);
    if (outcome.holds) return outcome.value;
    if (performance.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs} ms until ${describe}; at last: ${outcome.reason}`, { cause: outcome.cause });
    }
    await pause(intervalMs);
  }
}

type Outcome<Result> =
  | { readonly holds: true; readonly value: Exclude<Result, false> }
  | { readonly holds: false; readonly reason: string; readonly cause?: unknown };

async function look<Result>(check: () => Result | Promise<Result>): Promise<Outcome<Result>> {
  try {
    const value = await check();
    if (value === false) return { holds: false, reason: 'the check gave false' };
    return { holds: true, value: value as Exclude<Result, false> };
  } catch (error) {
    return { holds: false, reason: error instanceof Error ? error.message : String(error), cause: error };
  }
}
