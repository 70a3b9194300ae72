/**
 * Fires the timers of the owned partitions.
 *
 * 1. A timer fires at least once and never before its moment, by this replica's clock.
 * 2. Memory holds only what is due soon, bounded; the rest waits in the store until a poll brings it.
 * 3. Firing is a message to the run. Its row goes with the commit of what the run makes of it; until then a later poll
 *    brings it again, whatever happens here.
 */
import type { Clock } from '@millrace/kernel';
import type { LeaseBook } from '../partition/lease-book.js';
import { lastTrace } from '../run/event-traces.js';
import { keyText, timerText } from '../run/hot-run.js';
import type { Turn } from '../run/turn.js';
import { inTimerSpan } from './timer-span.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { RunTimer } from './timer.store.js';

export interface TimerLimits {
  readonly pollMs: number;
  /** Timers in memory, and polled at once. */
  readonly maxInMemory: number;
}

export class RunTimers {
  private readonly soon = new Map<string, RunTimer>();
  private readonly firing = new Set<string>();
  private alarm: NodeJS.Timeout | null = null;
  private alarmAt = Infinity;
  private polling: NodeJS.Timeout | null = null;
  private stopped = true;

  constructor(
    private readonly store: OrchestratorStores['timers'],
    private readonly leases: LeaseBook,
    private readonly clock: Clock,
    private readonly limits: TimerLimits,
    private readonly fire: (timer: RunTimer) => Promise<void>,
    private readonly onFailure: (message: string, error: unknown) => void,
  ) {}

  /** How many timers are in memory. */
  get count(): number {
    return this.soon.size;
  }

  start(): void {
    this.stopped = false;
    void this.poll();
  }

  /** Fires nothing new. */
  stop(): void {
    this.stopped = true;
    if (this.alarm !== null) clearTimeout(this.alarm);
    if (this.polling !== null) clearTimeout(this.polling);
    this.soon.clear();
  }

  /** Learns of the timers that a committed batch set and dropped. */
  note(turns: readonly Turn[]): void {
    for (const { key, timersSet, timersDropped, traces, at } of turns) {
      const traceparent = lastTrace(traces);
      const cause = traceparent === null ? null : { traceparent, at: new Date(at) };
      for (const timer of timersDropped) this.soon.delete(textOf({ key, timer }));
      for (const timer of timersSet) {
        // One that was set anew may be due later than memory has it.
        this.soon.delete(textOf({ key, timer }));
        this.remember({ key, timer, cause });
      }
    }
  }

  /** Looks for timers now, as when a partition has just been taken over. */
  async poll(): Promise<void> {
    if (this.polling !== null) clearTimeout(this.polling);
    this.polling = null;
    try {
      const partitions = this.leases.held().map((lease) => lease.partition);
      const found = await this.store.dueUntil(partitions, new Date(this.horizon()), this.limits.maxInMemory);
      for (const timer of found) this.remember(timer);
    } catch (error) {
      this.onFailure('The timers could not be read; trying again.', error);
    }
    if (this.stopped || this.polling !== null) return;
    this.polling = setTimeout(() => void this.poll(), this.limits.pollMs).unref();
  }

  private horizon(): number {
    return this.clock.now().getTime() + 2 * this.limits.pollMs;
  }

  private remember(timer: RunTimer): void {
    const text = textOf(timer);
    const dueAt = Date.parse(timer.timer.dueAt);
    if (this.stopped || this.firing.has(text) || dueAt > this.horizon()) return;
    if (this.soon.size >= this.limits.maxInMemory) return;
    this.soon.set(text, timer);
    if (dueAt < this.alarmAt) this.setAlarm(dueAt);
  }

  private setAlarm(at: number): void {
    if (this.alarm !== null) clearTimeout(this.alarm);
    this.alarmAt = at;
    const waitMs = Math.max(0, at - this.clock.now().getTime());
    this.alarm = setTimeout(() => this.ring(), waitMs).unref();
  }

  private ring(): void {
    this.alarmAt = Infinity;
    const now = this.clock.now().getTime();
    let next = Infinity;
    for (const [text, timer] of this.soon) {
      const dueAt = Date.parse(timer.timer.dueAt);
      if (dueAt > now) next = Math.min(next, dueAt);
      else void this.fireOnce(text, timer);
    }
    if (next < Infinity && !this.stopped) this.setAlarm(next);
  }

  private async fireOnce(text: string, timer: RunTimer): Promise<void> {
    this.soon.delete(text);
    if (!this.leases.owns(timer.key.partition)) return;
    this.firing.add(text);
    try {
      await inTimerSpan(timer, this.clock.now(), () => this.fire(timer));
    } catch (error) {
      this.onFailure('A timer could not be fired; a later poll brings it again.', error);
    } finally {
      this.firing.delete(text);
    }
  }
}

const textOf = ({ key, timer }: Pick<RunTimer, 'key' | 'timer'>): string => `${keyText(key)}/${timerText(timer)}`;
