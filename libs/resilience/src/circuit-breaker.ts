import { MillraceError, systemClock } from '@millrace/kernel';
import { circuitState } from '@millrace/telemetry';
import {
  circuitBreaker as circuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  handleWhen,
  isBrokenCircuitError,
} from 'cockatiel';
import { untilAborted } from './until-aborted.js';

export interface CircuitBreakerOptions {
  /** What is behind it, as a caller may read it: `the model provider`. */
  readonly name: string;
  /** Share of failures among the last `window` calls, 0 to 1, beyond which the circuit opens. */
  readonly failureShare: number;
  /** How many of the latest calls are looked at; fewer calls than this never open the circuit. */
  readonly window: number;
  /** How long calls are refused before one is let through as a trial, in milliseconds. */
  readonly openForMs: number;
  /** The error code of a refused call. */
  readonly code: string;
  /** Whether a failure says that the other side is unwell; a mistake of ours does not. */
  readonly counts: (error: unknown) => boolean;
  /** What metrics call it; without it nothing is measured. */
  readonly metric?: string;
}

export interface CircuitBreaker {
  readonly isOpen: boolean;
  /** Whether a call would be made at once: the circuit is closed, or it is time for a trial and none is running. */
  readonly letsThrough: boolean;
  /**
   * Runs the operation, or refuses it at once while the circuit is open.
   * @throws MillraceError `options.code` (unavailable, with `retryAfterSeconds`) when refused; else what the operation threw.
   */
  execute<Result>(operation: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

/** Stops calling something that keeps failing, so that callers get an answer at once and it gets time to recover. */
export function circuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const policy = circuitBreakerPolicy(handleWhen(options.counts), {
    halfOpenAfter: options.openForMs,
    breaker: new CountBreaker({
      threshold: options.failureShare,
      size: options.window,
      minimumNumberOfCalls: options.window,
    }),
  });
  if (options.metric !== undefined) measure(options.metric, () => policy.state);
  let reopensAt = 0;
  policy.onBreak(() => {
    reopensAt = systemClock.now().getTime() + options.openForMs;
  });

  const refusal = (cause: unknown) =>
    new MillraceError('unavailable', options.code, `${options.name} keeps failing; calls to it are paused.`, {
      cause,
      retryAfterSeconds: Math.max(1, Math.ceil((reopensAt - systemClock.now().getTime()) / 1000)),
    });

  return {
    get isOpen() {
      return policy.state === CircuitState.Open;
    },
    get letsThrough() {
      if (policy.state === CircuitState.Open) return systemClock.now().getTime() >= reopensAt;
      return policy.state === CircuitState.Closed;
    },
    async execute<Result>(operation: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
      try {
        return await untilAborted(policy.execute(operation, signal), signal);
      } catch (error) {
        throw isBrokenCircuitError(error) ? refusal(error) : error;
      }
    },
  };
}

const states = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  // Held open by hand, which nobody here does.
  [CircuitState.Isolated]: 'open',
} as const;

function measure(circuit: string, stateOf: () => CircuitState): void {
  circuitState.observe(() =>
    (['closed', 'half-open', 'open'] as const).map((state) => ({
      labels: { 'millrace.circuit': circuit, 'millrace.state': state },
      value: states[stateOf()] === state ? 1 : 0,
    })),
  );
}
