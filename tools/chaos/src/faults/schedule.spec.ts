import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { faultNamed, faults } from './catalogue.js';
import { durationOf, scheduleOf } from './schedule.js';

const anySchedule = fc.record({
  seed: fc.integer(),
  options: fc.record({
    faults: fc.subarray([...faults]),
    extra: fc.integer({ min: 0, max: 30 }),
    spacingMs: fc.constantFrom<readonly [number, number]>([0, 0], [50, 400], [700, 1_800]),
  }),
});

describe('scheduleOf', () => {
  it('is decided by the seed', () => {
    fc.assert(
      fc.property(anySchedule, ({ seed, options }) => {
        expect(scheduleOf(seed, options)).toEqual(scheduleOf(seed, options));
      }),
    );
    const options = { faults, extra: 0, spacingMs: [700, 1_800] as const };
    const orders = new Set(
      [1, 2, 3].map((seed) =>
        scheduleOf(seed, options)
          .map(({ fault }) => fault.name)
          .join(),
      ),
    );
    expect(orders.size).toBe(3);
  });

  it('brings every fault that was asked for, and the extra ones', () => {
    fc.assert(
      fc.property(anySchedule, ({ seed, options }) => {
        const planned = scheduleOf(seed, options);
        expect(new Set(planned.map(({ fault }) => fault))).toEqual(new Set(options.faults));
        expect(planned).toHaveLength(options.faults.length === 0 ? 0 : options.faults.length + options.extra);
      }),
    );
  });

  it('never has two faults of one resource at a time', () => {
    fc.assert(
      fc.property(anySchedule, ({ seed, options }) => {
        const busyUntil = new Map<string, number>();
        for (const { fault, atMs, holdMs } of scheduleOf(seed, options)) {
          expect(atMs).toBeGreaterThanOrEqual(busyUntil.get(fault.resource) ?? 0);
          busyUntil.set(fault.resource, atMs + holdMs);
        }
      }),
    );
  });

  it('is over when it says', () => {
    fc.assert(
      fc.property(anySchedule, ({ seed, options }) => {
        const planned = scheduleOf(seed, options);
        for (const { atMs, holdMs, fault } of planned) {
          expect(atMs + holdMs).toBeLessThanOrEqual(durationOf(planned));
          expect(holdMs).toBeGreaterThanOrEqual(fault.holdMs[0]);
          expect(holdMs).toBeLessThanOrEqual(fault.holdMs[1]);
        }
      }),
    );
  });
});

describe('the catalogue', () => {
  it('names each fault once, and says what there is', () => {
    expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
    expect(faultNamed('nats-wipe').action).toEqual({ type: 'nats', how: 'wipe' });
    expect(() => faultNamed('flood')).toThrow(/no fault "flood"; there are kill-gateway, /);
  });
});
