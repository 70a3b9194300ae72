import { describe, expect, it } from '@jest/globals';
import { MillraceError } from '@millrace/kernel';
import fc from 'fast-check';
import { type EventPage, type FeedEvent, RunEventFeed } from './run-event-feed.js';

const eventAt = (position: number, of: number): FeedEvent => ({
  position,
  type: position === of ? 'RunCompleted' : 'NodeCompleted',
  at: '2026-01-01T00:00:00.000Z',
  data: {},
});

/** A run whose events appear in the store step by step, each step with whatever hints the case says. */
class GrowingRun {
  stored = 0;
  constructor(
    readonly length: number,
    readonly pageSize: number,
  ) {}

  page(after: number): EventPage {
    const events = Array.from({ length: Math.max(0, Math.min(this.pageSize, this.stored - after)) }, (_, index) =>
      eventAt(after + 1 + index, this.length),
    );
    const last = events.at(-1)?.position ?? after;
    return { events, done: last >= this.length };
  }
}

async function collect(feed: RunEventFeed, seen: number[]): Promise<void> {
  for await (const page of feed.pages()) seen.push(...page.events.map(({ position }) => position));
}

const hintPlan = fc.array(
  fc.record({
    grow: fc.integer({ min: 0, max: 4 }),
    hints: fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 6 }),
  }),
  { maxLength: 20 },
);

describe('RunEventFeed', () => {
  it('gives each event once and in order, whatever becomes of the hints', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 5 }),
        fc.nat({ max: 30 }),
        hintPlan,
        async (length, pageSize, maxBuffered, resume, plan) => {
          const run = new GrowingRun(length, pageSize);
          const after = Math.min(resume, length - 1);
          run.stored = after;
          const feed = new RunEventFeed({
            after,
            list: (position) => Promise.resolve(run.page(position)),
            pollMs: 1,
            signal: new AbortController().signal,
            maxBuffered,
          });
          const seen: number[] = [];
          const done = collect(feed, seen);
          for (const { grow, hints } of plan) {
            run.stored = Math.min(length, run.stored + grow);
            // Only what is stored is ever hinted, in any order, any number of times, or not at all.
            feed.hint(hints.filter((position) => position <= run.stored).map((position) => eventAt(position, length)));
            await Promise.resolve();
          }
          run.stored = length;
          await done;
          expect(seen).toEqual(Array.from({ length: length - after }, (_, index) => after + 1 + index));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('needs no look into the store while the hints are whole', async () => {
    let reads = 0;
    const feed = new RunEventFeed({
      after: 0,
      list: () => {
        reads += 1;
        return Promise.resolve({ events: [], done: false });
      },
      pollMs: 60_000,
      signal: new AbortController().signal,
    });
    feed.hint([1, 2, 3].map((position) => eventAt(position, 3)));
    const seen: number[] = [];
    await collect(feed, seen);
    expect(seen).toEqual([1, 2, 3]);
    expect(reads).toBe(1);
  });

  it('goes on after a failure of the store that may pass, and ends with one that will not', async () => {
    const failures = [
      new MillraceError('unavailable', 'service_unavailable', 'not now'),
      new MillraceError('not-found', 'unknown_run', 'gone'),
    ];
    const feed = new RunEventFeed({
      after: 0,
      list: () => Promise.reject(failures.shift() ?? new Error('asked too often')),
      pollMs: 1,
      signal: new AbortController().signal,
    });
    await expect(collect(feed, [])).rejects.toMatchObject({ code: 'unknown_run' });
  });

  it('ends when the reader goes away', async () => {
    const reader = new AbortController();
    const list = () => Promise.resolve({ events: [], done: false });
    const feed = new RunEventFeed({ after: 0, list, pollMs: 60_000, signal: reader.signal });
    const done = collect(feed, []);
    reader.abort();
    await done;
  });
});
