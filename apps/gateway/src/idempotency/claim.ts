/**
 * What a request with an `Idempotency-Key` may do. A record is made BEFORE the command is sent, and holds the run's id, so
 * that whoever sends it again (after a crash, or because the caller never saw the answer) starts the same run.
 *
 *   no record, or one past its time   -> fresh: send with a new run id
 *   other body                        -> mismatch (422)
 *   answered                          -> replay the answer
 *   in flight, lease alive            -> in-flight (409)
 *   in flight, lease over             -> taken over: send with the SAME run id
 */
import type { Run } from '@millrace/contracts';
import { assertNever, MillraceError } from '@millrace/kernel';

/** A record as it was found. */
export interface FoundRecord {
  readonly bodySha256: string;
  readonly runId: string;
  readonly response: Run | null;
  /** How long the request in flight is still believed in, in milliseconds; 0 or less when it is over. */
  readonly leaseRemainingMs: number;
  readonly isExpired: boolean;
}

export type Claim =
  | { readonly kind: 'fresh' }
  | { readonly kind: 'take-over'; readonly runId: string }
  | { readonly kind: 'replay'; readonly response: Run }
  | { readonly kind: 'in-flight'; readonly leaseRemainingMs: number }
  | { readonly kind: 'mismatch' };

export function claimOf(record: FoundRecord, bodySha256: string): Claim {
  if (record.isExpired) return { kind: 'fresh' };
  if (record.bodySha256 !== bodySha256) return { kind: 'mismatch' };
  if (record.response !== null) return { kind: 'replay', response: record.response };
  if (record.leaseRemainingMs > 0) return { kind: 'in-flight', leaseRemainingMs: record.leaseRemainingMs };
  return { kind: 'take-over', runId: record.runId };
}

/** What a claim means for the caller: go on with a run id, or give an answer again. @throws MillraceError else. */
export function permissionOf(claim: Claim, newRunId: string): { readonly runId: string } | { readonly replay: Run } {
  switch (claim.kind) {
    case 'fresh':
      return { runId: newRunId };
    case 'take-over':
      return { runId: claim.runId };
    case 'replay':
      return { replay: claim.response };
    case 'mismatch':
      throw new MillraceError(
        'mismatch',
        'idempotency_key_reused',
        'This Idempotency-Key was used with another body. Use a new key for a new request.',
      );
    case 'in-flight':
      throw new MillraceError(
        'conflict',
        'idempotency_key_in_flight',
        'A request with this Idempotency-Key is still being worked on. Try again.',
        { retryable: true, retryAfterSeconds: Math.min(5, Math.ceil(claim.leaseRemainingMs / 1000)) },
      );
    default:
      return assertNever(claim);
  }
}
