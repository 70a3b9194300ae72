import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import type { DeliveryOutcome } from '../bus.js';
import { backoffMs, maximumRetryDelayMs, minimumRetryDelayMs, outcomeOfThrown, settlementOf } from './settlement.js';

const error = new MillraceError('invalid', 'bad', 'Bad.').toShape();
const outcome: fc.Arbitrary<DeliveryOutcome> = fc.oneof(
  fc.constant<DeliveryOutcome>({ kind: 'ack' }),
  fc.constant<DeliveryOutcome>({ kind: 'dead-letter', error }),
  fc.double().map((delayMs): DeliveryOutcome => ({ kind: 'retry', delayMs })),
);

describe('what becomes of a delivery', () => {
  it('is to be acknowledged or buried at the last one, never handed back', () => {
    fc.assert(
      fc.property(outcome, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (decided, count, most) => {
        const { kind } = settlementOf(decided, count, most);
        expect(kind === 'hand-back').toBe(decided.kind === 'retry' && count < most);
        expect(kind === 'acknowledge').toBe(decided.kind === 'ack');
      }),
    );
  });

  it('waits within bounds, whatever the handler asks for', () => {
    fc.assert(
      fc.property(fc.double(), (delayMs) => {
        const settlement = settlementOf({ kind: 'retry', delayMs }, 1, 2);
        if (settlement.kind !== 'hand-back') throw new Error('must be handed back');
        expect(settlement.delayMs).toBeGreaterThanOrEqual(minimumRetryDelayMs);
        expect(settlement.delayMs).toBeLessThanOrEqual(maximumRetryDelayMs);
      }),
    );
  });

  it('follows what was thrown: its own delay, or exponential backoff', () => {
    expect([1, 2, 3, 7, 1_000].map(backoffMs)).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
    const asked = new MillraceError('overloaded', 'busy', 'Busy.', { retryAfterSeconds: 7 });
    expect(outcomeOfThrown(asked, 1)).toMatchObject({ kind: 'retry', delayMs: 7_000, error: { code: 'busy' } });
    expect(outcomeOfThrown(new Error('canary'), 2)).toMatchObject({
      delayMs: 2_000,
      error: { code: 'internal_error' },
    });
  });
});
