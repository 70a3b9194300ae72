import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PublicationLedger } from './publication-ledger.js';

const at = (ms: number): Date => new Date(ms);

describe('PublicationLedger', () => {
  it('keeps the wider of two debts', () => {
    const ledger = new PublicationLedger();
    ledger.owe(1, { since: at(50), tasks: 'all' });
    ledger.owe(1, { since: at(20), tasks: 'since' });
    expect(ledger.owed().get(1)).toEqual({ since: at(20), tasks: 'all' });
  });

  it('does not strike a debt that has grown while it was paid', () => {
    const ledger = new PublicationLedger();
    ledger.owe(1, { since: at(50), tasks: 'since' });
    const paid = ledger.owed().get(1);
    ledger.owe(1, { since: at(60), tasks: 'since' });
    if (paid !== undefined) ledger.settle(1, paid);
    expect(ledger.owed().has(1)).toBe(true);
    const again = ledger.owed().get(1);
    if (again !== undefined) ledger.settle(1, again);
    expect(ledger.owed().has(1)).toBe(false);
  });

  it('never says that something is published which is open, held or owed, and calls only what is open late', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('open' as const), partition: fc.nat(2) }),
      fc.record({ kind: fc.constant('close' as const), index: fc.nat(10) }),
      fc.record({ kind: fc.constant('owe' as const), partition: fc.nat(2), ago: fc.nat(20) }),
      fc.record({ kind: fc.constant('pay' as const), partition: fc.nat(2) }),
      fc.record({ kind: fc.constant('hold' as const), partition: fc.nat(2), ago: fc.nat(20) }),
      fc.record({ kind: fc.constant('let go' as const), index: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const ledger = new PublicationLedger();
        const open: { at: number; partition: number; close: () => void }[] = [];
        const held: { at: number; partition: number; letGo: () => void }[] = [];
        const owed = new Map<number, number>();
        let now = 1_000;
        for (const each of steps) {
          now += 1;
          if (each.kind === 'open') {
            const batch = ledger.openBatch(at(now), new Set([each.partition]));
            open.push({ at: now, partition: each.partition, close: () => batch.close() });
          } else if (each.kind === 'close') {
            open.splice(each.index, 1).forEach((batch) => batch.close());
          } else if (each.kind === 'hold') {
            const { partition, ago } = each;
            held.push({ at: now - ago, partition, letGo: ledger.hold(partition, at(now - ago)) });
          } else if (each.kind === 'let go') {
            held.splice(each.index, 1).forEach(({ letGo }) => letGo());
          } else if (each.kind === 'owe') {
            ledger.owe(each.partition, { since: at(now - each.ago), tasks: 'since' });
            owed.set(each.partition, Math.min(now - each.ago, owed.get(each.partition) ?? Infinity));
          } else {
            const debt = ledger.owed().get(each.partition);
            if (debt !== undefined) ledger.settle(each.partition, debt);
            owed.delete(each.partition);
          }
          for (const partition of [0, 1, 2]) {
            const bounds = [...open, ...held].filter((batch) => batch.partition === partition).map((batch) => batch.at);
            const expected = Math.min(now, owed.get(partition) ?? Infinity, ...bounds);
            expect(ledger.publishedUntil(partition, at(now)).getTime()).toBe(expected);
            const isOpen = open.some((batch) => batch.partition === partition);
            expect(ledger.isQuiet(partition)).toBe(!isOpen);
          }
        }
      }),
    );
  });
});
