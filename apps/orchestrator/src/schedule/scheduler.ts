/**
 * Fires schedules, on the replica that holds partition 0.
 *
 * 1. A fire time has one run: its id follows from the schedule and the time, so whoever fires it again starts nothing.
 * 2. A schedule goes on to its next time only after the run of this one is stored, or it is known why there is none.
 * 3. Nothing here is kept in memory: what a crash interrupts is due again.
 */
import type { MessageContext, Run } from '@millrace/contracts';
import { terminalStatuses } from '@millrace/contracts';
import { MillraceError, sha256Hex, toMillraceError, type Clock } from '@millrace/kernel';
import type { RunCommands } from '../run/run-commands.js';
import { FireTimes } from './fire-times.js';
import type { Dealt, ScheduleRow, ScheduleStore } from './schedule.store.js';

export interface SchedulerParts {
  readonly store: Pick<ScheduleStore, 'due' | 'advance'>;
  readonly runs: Pick<RunCommands, 'start' | 'cancel'>;
  readonly find: (tenantId: string, runId: string) => Promise<Run>;
  /** Whether this replica is the one. */
  readonly isOn: () => boolean;
  readonly clock: Clock;
  readonly pollMs: number;
  readonly onFailure: (message: string, error: unknown) => void;
}

const schedulesAtOnce = 100;
/** A fire time that is older was missed: nobody was there for it. */
const graceMs = 60_000;
/** Of missed fire times, so many are made up for at most. */
const mostMissed = 100;

/** The run of a fire time: the same whoever fires it, and however often. */
export const runIdOfFireTime = (tenantId: string, scheduleId: string, time: Date): string =>
  `run_${sha256Hex(`${tenantId}:${scheduleId}:${time.toISOString()}`).slice(0, 32)}`;

export class Scheduler {
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;
  private stopped = true;

  constructor(private readonly parts: SchedulerParts) {}

  start(): void {
    this.stopped = false;
    this.plan();
  }

  /** Fires nothing new, and resolves when the current round is over. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.round;
  }

  private plan(): void {
    this.timer = setTimeout(() => {
      this.round = this.work().finally(() => {
        this.round = null;
        if (!this.stopped) this.plan();
      });
    }, this.parts.pollMs).unref();
  }

  private async work(): Promise<void> {
    if (!this.parts.isOn()) return;
    try {
      const due = await this.parts.store.due(this.parts.clock.now(), schedulesAtOnce);
      await Promise.all(due.map((row) => this.fire(row)));
    } catch (error) {
      this.parts.onFailure('The schedules could not be read; trying again.', error);
    }
  }

  private async fire(row: ScheduleRow): Promise<void> {
    try {
      await this.fireDue(row);
    } catch (error) {
      this.parts.onFailure(`Schedule ${row.schedule_id} could not be fired; trying again.`, error);
    }
  }

  private async fireDue(row: ScheduleRow): Promise<void> {
    if (row.next_at === null) return;
    const now = this.parts.clock.now();
    const times = FireTimes.of(row.spec, row.created_at);
    const time = row.waiting ? row.next_at : timeToFire(row, times, now);
    if (time === null) return await this.parts.store.advance(row, { nextAt: times.after(now) });
    const overlap = await this.overlap(row);
    if (overlap === 'wait') {
      if (!row.waiting) await this.parts.store.advance(row, { nextAt: time, waiting: true });
      return;
    }
    const dealt = overlap === 'skip' ? { runId: null, reason: 'overlap' } : await this.startRun(row, time);
    const next = times.after(time);
    // What came due while this one waited was not missed.
    const waiting = row.waiting && next !== null && next <= now;
    await this.parts.store.advance(row, { nextAt: next, firedFor: time, dealt, waiting });
  }

  /** What the run of before means for this fire time. */
  private async overlap({
    tenant_id: tenantId,
    last_run_id: runId,
    spec,
  }: ScheduleRow): Promise<'start' | 'skip' | 'wait'> {
    if (runId === null || spec.overlap === 'allow') return 'start';
    const run = await this.parts.find(tenantId, runId).catch(unlessGone);
    if (run === null || terminalStatuses.has(run.status)) return 'start';
    if (spec.overlap === 'skip') return 'skip';
    if (spec.overlap === 'queue') return 'wait';
    await this.parts.runs.cancel(contextOf(tenantId, runId), { runId, reason: 'the next run of its schedule begins' });
    return 'start';
  }

  /** Starts the run of a fire time. A refusal that would come again is told by the schedule. @throws what may pass */
  private async startRun({ tenant_id: tenantId, schedule_id: id, spec }: ScheduleRow, time: Date): Promise<Dealt> {
    const runId = runIdOfFireTime(tenantId, id, time);
    try {
      await this.parts.runs.start(contextOf(tenantId, id), { runId, graph: spec.graph, input: spec.input });
      return { runId, reason: null };
    } catch (error) {
      if (!(error instanceof MillraceError) || error.retryable || error.kind === 'internal') throw error;
      return { runId: null, reason: toMillraceError(error).code };
    }
  }
}

/** A run that is not there any more overlaps with nothing. */
function unlessGone(error: unknown): null {
  if (error instanceof MillraceError && ['unknown_run', 'run_removed'].includes(error.code)) return null;
  throw error;
}

/** The fire time to deal with, of those from the due one on: of what was missed, as much as the schedule makes up for. */
function timeToFire({ next_at: due, spec }: ScheduleRow, times: FireTimes, now: Date): Date | null {
  if (due === null) return null;
  const missedUntil = new Date(now.getTime() - graceMs);
  if (due > missedUntil) return due;
  const recent = times.after(missedUntil);
  const hasRecent = recent !== null && recent <= now;
  switch (spec.catchUp) {
    case 'none':
      return hasRecent ? recent : null;
    case 'latest':
      return hasRecent ? recent : times.late(due, now, 0);
    case 'all':
      return times.late(due, now, mostMissed - 1);
  }
}

const contextOf = (tenantId: string, cause: string): MessageContext => ({
  tenantId,
  correlationId: cause,
  causationId: cause,
});
