const maximumDepth = 8;

/** What a log line says of an error. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly kind?: string;
  readonly retryable?: boolean;
  readonly violations?: unknown;
  readonly stack?: string;
  readonly cause?: LoggedError;
  readonly errors?: readonly LoggedError[];
}

/**
 * An error for a log line: its code, its stack and the chain of its causes. Other properties stay out, because
 * libraries hang whole requests on their errors.
 */
export function describeError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: describeNonError(thrown) };
  const { code, kind, retryable, violations } = thrown as Error & Record<string, unknown>;
  const deeper = depth < maximumDepth;
  return {
    type: thrown.name,
    message: thrown.message,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(typeof kind === 'string' && { kind }),
    ...(typeof retryable === 'boolean' && { retryable }),
    ...(Array.isArray(violations) && violations.length > 0 && { violations }),
    ...(thrown.stack !== undefined && { stack: thrown.stack }),
    ...(deeper && thrown.cause !== undefined && { cause: describeError(thrown.cause, depth + 1) }),
    ...(deeper &&
      thrown instanceof AggregateError && {
        errors: thrown.errors.slice(0, 10).map((error) => describeError(error, depth + 1)),
      }),
  };
}

function describeNonError(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  try {
    return JSON.stringify(thrown) ?? String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}
