/**
 * What becomes of a delivery. Pure.
 *
 * | the handler | before the last delivery | on the last |
 * |---|---|---|
 * | `ack` | acknowledge | acknowledge |
 * | `retry` | hand back after its delay | bury, with its error |
 * | `dead-letter` | bury | bury |
 * | throws | hand back with backoff | bury, with what was thrown |
 */
import { assertNever, MillraceError, toMillraceError, type ErrorShape } from '@millrace/kernel';
import type { DeliveryOutcome } from '../bus.js';

export type Settlement =
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'hand-back'; readonly delayMs: number }
  | { readonly kind: 'bury'; readonly error: ErrorShape };

/** A retry without a delay would burn all deliveries of a message in milliseconds. */
export const minimumRetryDelayMs = 100;
export const maximumRetryDelayMs = 60 * 60_000;
const firstBackoffMs = 1_000;
const lastBackoffMs = 60_000;

/** Exponential from one second to one minute. */
export const backoffMs = (deliveryCount: number): number =>
  Math.min(lastBackoffMs, firstBackoffMs * 2 ** Math.min(deliveryCount - 1, 30));

function retryDelayMs(wanted: number): number {
  return Number.isFinite(wanted) ? Math.min(maximumRetryDelayMs, Math.max(minimumRetryDelayMs, wanted)) : lastBackoffMs;
}

/** Every delivery was used up; the last ones may have died with their process. */
export const deliveriesExhausted = (maxDeliveries: number): ErrorShape =>
  new MillraceError('internal', 'deliveries_exhausted', `Not done after ${maxDeliveries} deliveries.`).toShape();

export function settlementOf(outcome: DeliveryOutcome, deliveryCount: number, maxDeliveries: number): Settlement {
  switch (outcome.kind) {
    case 'ack':
      return { kind: 'acknowledge' };
    case 'dead-letter':
      return { kind: 'bury', error: outcome.error };
    case 'retry':
      return deliveryCount >= maxDeliveries
        ? { kind: 'bury', error: outcome.error ?? deliveriesExhausted(maxDeliveries) }
        : { kind: 'hand-back', delayMs: retryDelayMs(outcome.delayMs) };
    default:
      return assertNever(outcome);
  }
}

/** The outcome of a handler, or of reading a message, that threw. */
export function outcomeOfThrown(thrown: unknown, deliveryCount: number): DeliveryOutcome {
  const error = toMillraceError(thrown);
  const waitMs = error.retryAfterSeconds === undefined ? backoffMs(deliveryCount) : error.retryAfterSeconds * 1000;
  return { kind: 'retry', delayMs: waitMs, error: error.toShape() };
}
