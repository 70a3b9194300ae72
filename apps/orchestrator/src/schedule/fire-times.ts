/** When a cron expression fires, in its time zone. Pure. */
import { invalidInput } from '@millrace/kernel';
import { Cron } from 'croner';

const names = /^@(yearly|annually|monthly|weekly|daily|hourly)$/i;

export interface CronTimes {
  readonly cron: string;
  readonly timeZone: string;
}

/** A cron expression that has been read. */
export class FireTimes {
  private constructor(private readonly cron: Cron) {}

  /**
   * @throws MillraceError `invalid_schedule` for what is no expression of five fields, no time zone, or never fires after `now`
   */
  static of({ cron, timeZone }: CronTimes, now: Date): FireTimes {
    if (!names.test(cron) && cron.trim().split(/\s+/).length !== 5) {
      throw wrong('/cron', 'needs five fields: minute, hour, day of the month, month, day of the week');
    }
    if (!isTimeZone(timeZone)) throw wrong('/timeZone', 'is no time zone of the IANA database, such as Europe/Berlin');
    const times = new FireTimes(read(cron, timeZone));
    if (times.after(now) === null) throw wrong('/cron', 'never fires');
    return times;
  }

  /** The first fire time after a moment; null where there is none. */
  after(moment: Date): Date | null {
    return this.cron.nextRun(moment);
  }

  /** The next fire times after a moment, at most `count`. */
  next(moment: Date, count: number): Date[] {
    return this.cron.nextRuns(count, moment);
  }

  /** Of the fire times from one on up to a moment, that which has `behind` others after it; the first where there are fewer. */
  late(first: Date, moment: Date, behind: number): Date {
    // Fire times are whole minutes: a second later, the moment itself counts as passed.
    const newestFirst = this.cron.previousRuns(behind + 1, new Date(moment.getTime() + 1_000));
    return newestFirst.filter((time) => time >= first).at(-1) ?? first;
  }
}

function read(cron: string, timeZone: string): Cron {
  try {
    return new Cron(cron, { timezone: timeZone, paused: true });
  } catch (error) {
    throw wrong('/cron', error instanceof Error ? `cannot be read: ${error.message.slice(0, 200)}` : 'cannot be read');
  }
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

const wrong = (pointer: string, message: string) =>
  invalidInput('invalid_schedule', `The schedule cannot be kept: ${pointer.slice(1)} ${message}.`, [
    { pointer, message },
  ]);
