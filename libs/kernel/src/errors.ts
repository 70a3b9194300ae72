/**
 * What kind of failure an error is. The edge maps a kind to its transport (an HTTP status, a message outcome);
 * `code` stays the same on every surface and is what callers should branch on.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'mismatch'
  | 'too-large'
  | 'unsupported'
  | 'overloaded'
  | 'unavailable'
  | 'timeout'
  | 'cancelled'
  | 'internal';

/** One mistake in an input: where it is (a JSON pointer, RFC 6901) and what is wrong with it. */
export interface Violation {
  readonly pointer: string;
  readonly message: string;
}

export interface ErrorOptions {
  readonly cause?: unknown;
  readonly violations?: readonly Violation[];
  /** Whether the same attempt may succeed later. Defaults to true for overloaded, unavailable and timeout. */
  readonly retryable?: boolean;
  /** How long a caller should wait before trying again, in seconds. */
  readonly retryAfterSeconds?: number;
}

/** The JSON form in which an error travels between services. */
export interface ErrorShape {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly violations?: readonly Violation[];
  readonly retryAfterSeconds?: number;
}

const retryableKinds: ReadonlySet<ErrorKind> = new Set(['overloaded', 'unavailable', 'timeout']);

/** An expected failure with a stable `code`. Its message may be shown to the caller and must hold no secret. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly retryable: boolean;
  readonly violations: readonly Violation[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly kind: ErrorKind,
    readonly code: string,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.retryable = options.retryable ?? retryableKinds.has(kind);
    this.violations = options.violations ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  toShape(): ErrorShape {
    return {
      kind: this.kind,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.violations.length > 0 && { violations: this.violations }),
      ...(this.retryAfterSeconds !== undefined && { retryAfterSeconds: this.retryAfterSeconds }),
    };
  }

  static fromShape(shape: ErrorShape): MillraceError {
    return new MillraceError(shape.kind, shape.code, shape.message, shape);
  }
}

/**
 * Turns whatever was thrown into a MillraceError. An unexpected error becomes `internal_error` with a fixed
 * message, because its own message may hold connection strings or tenant data; the original stays as `cause`.
 */
export function toMillraceError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError('internal', 'internal_error', 'Something went wrong on our side.', { cause: thrown });
}

export const invalidInput = (code: string, message: string, violations: readonly Violation[] = []): MillraceError =>
  new MillraceError('invalid', code, message, { violations });

export const notFound = (code: string, message: string): MillraceError => new MillraceError('not-found', code, message);

/** For the `default` of a switch that must cover every case: adding a case without handling it fails the build. */
export function assertNever(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
