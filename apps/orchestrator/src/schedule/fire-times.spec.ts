import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FireTimes } from './fire-times.js';

const now = new Date('2026-01-01T00:00:00Z');
const next = (cron: string, timeZone: string, from: string, count = 3): string[] =>
  FireTimes.of({ cron, timeZone }, now)
    .next(new Date(from), count)
    .map((time) => time.toISOString());

describe('fire times', () => {
  it('fall once on the day on which the clocks go forward over them, as soon as the gap is over', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z')).toEqual([
      ...['2026-03-28T01:30:00.000Z', '2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z'],
    ]);
  });

  it('fall once on the day on which the clocks go back over them', () => {
    expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z')).toEqual([
      ...['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ]);
  });

  it('of every hour fall on every hour, however the clocks are put', () => {
    expect(next('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z')).toEqual([
      ...['2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z'],
    ]);
    expect(next('@hourly', 'America/New_York', '2026-03-08T05:30:00Z')).toEqual([
      ...['2026-03-08T06:00:00.000Z', '2026-03-08T07:00:00.000Z', '2026-03-08T08:00:00.000Z'],
    ]);
  });

  it('come in their order, after the moment, and none lies between', () => {
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata');
    const crons = fc.constantFrom('*/7 * * * *', '30 2 * * *', '0 0 1 * *', '15 */6 * * 1-5', '0 12 * * 0');
    const moments = fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(zones, crons, moments, (timeZone, cron, moment) => {
        const times = FireTimes.of({ cron, timeZone }, now);
        const first = times.after(moment) ?? moment;
        expect(first > moment).toBe(true);
        expect(times.after(new Date(first.getTime() - 1_000))).toEqual(first);
        expect(times.next(moment, 2)).toEqual([first, times.after(first)]);
        expect(times.late(first, first, 0)).toEqual(first);
      }),
    );
  });

  it('that were missed are counted from the newest', () => {
    const times = FireTimes.of({ cron: '*/10 * * * *', timeZone: 'UTC' }, now);
    const [first, last] = [new Date('2026-01-01T00:10:00Z'), new Date('2026-01-01T05:00:00Z')];
    expect(times.late(first, last, 0)).toEqual(last);
    expect(times.late(first, last, 2)).toEqual(new Date('2026-01-01T04:40:00Z'));
    expect(times.late(first, last, 99)).toEqual(first);
  });
});

describe('a schedule is refused', () => {
  it.each([
    ['0 0 30 2 *', 'UTC', '/cron', 'never fires'],
    ['x', 'UTC', '/cron', 'five fields'],
    ['* * * * * *', 'UTC', '/cron', 'five fields'],
    ['61 * * * *', 'UTC', '/cron', 'cannot be read'],
    ['* * * * nonday', 'UTC', '/cron', 'cannot be read'],
    [`${'*/1,'.repeat(45)}* * * * *`, 'Mars/Olympus', '/timeZone', 'no time zone'],
    ['* * * * *', '../../etc/passwd', '/timeZone', 'no time zone'],
  ])('for %s in %s', (cron, timeZone, pointer, message) => {
    const began = performance.now();
    expect(() => FireTimes.of({ cron, timeZone }, now)).toThrow(
      expect.objectContaining({
        code: 'invalid_schedule',
        violations: [{ pointer, message: expect.stringContaining(message) }],
      }),
    );
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
