/** What schedules promise: a fire time has one run, and not early. Its id follows from the time, so there is never a second one. */
import type { Tables } from '../database/tables.js';

/** How far the clock of a replica may be ahead, in milliseconds. */
const mostAheadMs = 4_000;

export class FireTime {
  readonly run: string;
  private readonly schedule: string;
  private readonly firesAt: number;

  constructor(planned: { tenantId: string; scheduleId: string; runId: string; firesAt: number }) {
    this.run = `${planned.tenantId}/${planned.runId}`;
    this.schedule = `${planned.tenantId}/${planned.scheduleId}`;
    this.firesAt = planned.firesAt;
  }

  isEarly(now: number): boolean {
    return now < this.firesAt - mostAheadMs;
  }

  /** Whether a run is still owed. A schedule that came too late fires at a later time. */
  isOwed({ runs, schedules }: Tables): boolean {
    const row = schedules.get(this.schedule);
    return row !== undefined && row.created_at.getTime() < this.firesAt && !runs.has(this.run);
  }
}
