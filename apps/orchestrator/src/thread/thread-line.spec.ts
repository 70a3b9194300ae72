import { describe, expect, it } from '@jest/globals';
import type { OnBusy } from '@millrace/contracts';
import fc from 'fast-check';
import { admission, mostInLine, nextInLine, type PlaceInLine } from './thread-line.js';

const place = (runId: string, rest: Partial<PlaceInLine> = {}): PlaceInLine => ({
  ...{ runId, generation: 0, interrupts: false, isStored: true, isUnderWay: false },
  ...rest,
});

describe('a line at a thread', () => {
  it('lets in whoever finds nobody, and everybody else as they want it', () => {
    expect(admission([], 'reject')).toEqual({ kind: 'admitted' });
    const line = [place('waits'), place('works', { isUnderWay: true })];
    expect(admission(line, 'reject')).toEqual({ kind: 'busy', runId: 'works' });
    expect(admission([place('comes', { isStored: false })], 'reject')).toEqual({ kind: 'busy', runId: 'comes' });
    for (const onBusy of ['queue', 'interrupt'] as const) {
      expect(admission(line, onBusy)).toEqual({ kind: 'admitted' });
      const full = Array.from({ length: mostInLine + 1 }, (_, index) => place(`run-${index}`));
      expect(admission(full, onBusy)).toEqual({ kind: 'full' });
      expect(admission(full.slice(1), onBusy)).toEqual({ kind: 'admitted' });
    }
  });

  it('lets an interrupting run come next, and the last of them instead of those before it', () => {
    const [works, waits, first, last] = [
      place('works', { isUnderWay: true }),
      place('waits'),
      place('first', { interrupts: true }),
      place('last', { interrupts: true }),
    ];
    expect(nextInLine([works, waits, first])).toEqual({ next: null, interrupted: [works], interruptedBy: first });
    expect(nextInLine([works, waits, first, last])).toMatchObject({ next: null, interrupted: [works, first] });
    expect(nextInLine([waits, first, last])).toMatchObject({ next: last, interrupted: [first] });
    expect(nextInLine([waits, place('last', { interrupts: true, isUnderWay: true })])).toMatchObject({
      next: null,
      interrupted: [],
    });
  });
});

type Step = { readonly do: 'come' | 'store' | 'end' | 'look'; readonly pick: number; readonly onBusy: OnBusy };
const steps = fc.array(
  fc.record({
    do: fc.constantFrom('come' as const, 'store' as const, 'end' as const, 'look' as const),
    pick: fc.nat(20),
    onBusy: fc.constantFrom<OnBusy>('reject', 'queue', 'interrupt'),
  }),
  { maxLength: 60 },
);

/** A thread as the store keeps it, whatever happens in whatever order. */
class Thread {
  line: PlaceInLine[] = [];
  readonly began: string[] = [];
  private count = 0;

  take({ do: action, pick, onBusy }: Step): void {
    const chosen = this.line[pick % Math.max(1, this.line.length)];
    if (action === 'come') this.come(onBusy);
    else if (action === 'look') this.look();
    else if (chosen === undefined) return;
    else if (action === 'store') this.change(chosen, { isStored: true });
    else this.line = this.line.filter((each) => each !== chosen);
  }

  look(): void {
    const { next, interrupted } = nextInLine(this.line);
    this.line = this.line.filter((each) => !interrupted.includes(each));
    if (next === null) return;
    this.began.push(next.runId);
    this.change(next, { isUnderWay: true });
  }

  private come(onBusy: OnBusy): void {
    if (admission(this.line, onBusy, 5).kind !== 'admitted') return;
    this.count += 1;
    this.line.push(place(String(this.count), { interrupts: onBusy === 'interrupt', isStored: false }));
  }

  private change(chosen: PlaceInLine, changes: Partial<PlaceInLine>): void {
    this.line = this.line.map((each) => (each === chosen ? { ...each, ...changes } : each));
  }
}

describe('runs of one thread', () => {
  it('are under way one at a time, wait in bounds, and all come to their turn', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const thread = new Thread();
        for (const step of taken) {
          thread.take(step);
          expect(thread.line.filter(({ isUnderWay }) => isUnderWay).length).toBeLessThanOrEqual(1);
          expect(thread.line.length).toBeLessThanOrEqual(6);
        }
        for (let left = 2 * thread.line.length + 2; left > 0; left -= 1) {
          thread.take({ do: 'store', pick: left, onBusy: 'queue' });
          for (const each of [...thread.line.keys()]) thread.take({ do: 'store', pick: each, onBusy: 'queue' });
          thread.look();
          thread.line = thread.line.filter(({ isUnderWay }) => !isUnderWay);
        }
        expect(thread.line).toEqual([]);
      }),
    );
  });

  it('begin in the order of their arrival where none interrupts', () => {
    const queueing = steps.map((taken) => taken.map((step): Step => ({ ...step, onBusy: 'queue' })));
    fc.assert(
      fc.property(queueing, (taken) => {
        const thread = new Thread();
        for (const step of taken) {
          thread.take(step);
          // Everybody who came is stored before anybody else is looked at.
          for (const each of thread.line.keys()) thread.take({ do: 'store', pick: each, onBusy: 'queue' });
        }
        const numbers = thread.began.map(Number);
        expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
      }),
    );
  });
});
