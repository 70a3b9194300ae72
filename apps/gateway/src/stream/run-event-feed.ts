/**
 * The events of one run from a position on, as they happen. Hints tell early, the store tells the truth:
 *
 * 1. Positions are given in order, each once, from `after + 1` on: no gap, no duplicate, whatever the hints do.
 * 2. A hint that is lost, late, doubled or out of order costs a look into the store, never an event.
 * 3. Without any hint the store is asked every `pollMs`.
 * 4. At most `maxBuffered` hinted events are held; what does not fit is read from the store when its turn comes.
 * 5. It ends with the event after which no more follow.
 */
import { type RunEventType, terminalEventTypes } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { WakeUp } from './wake-up.js';

export interface FeedEvent {
  readonly position: number;
  readonly type: string;
  readonly at: string;
  readonly data: unknown;
}

export interface EventPage {
  readonly events: readonly FeedEvent[];
  /** The run has ended, and no events follow these. */
  readonly done: boolean;
}

export interface FeedOptions {
  /** The position that the reader has already. */
  readonly after: number;
  /** Reads stored events after a position. */
  readonly list: (after: number) => Promise<EventPage>;
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly maxBuffered?: number;
}

export class RunEventFeed {
  private readonly hinted = new Map<number, FeedEvent>();
  private readonly wakeUp = new WakeUp();
  private last: number;
  private first: EventPage | undefined;

  constructor(private readonly options: FeedOptions) {
    this.last = options.after;
  }

  /** Takes what was published after a commit. Call it from the subscription that was made before reading begins. */
  hint(events: readonly FeedEvent[]): void {
    const { maxBuffered = 1_000 } = this.options;
    for (const event of events) {
      if (event.position > this.last && this.hinted.size < maxBuffered) this.hinted.set(event.position, event);
    }
    this.wakeUp.ring();
  }

  /** Reads the first page, which `pages` gives too. @throws MillraceError what the store refuses with. */
  async begin(): Promise<EventPage> {
    this.first = await this.options.list(this.last);
    return this.first;
  }

  /**
   * Pages of events, none empty, until the run has ended or the signal aborts.
   * @throws MillraceError what the store refuses with, unless trying again may help.
   */
  async *pages(): AsyncGenerator<EventPage> {
    const { signal, pollMs } = this.options;
    for (let isStale = true; !signal.aborted;) {
      const page = isStale ? await this.readStore() : this.takeHinted();
      if (page.events.length > 0 || page.done) yield this.advance(page);
      if (page.done) return;
      // After a page from the store there may be a next one; after an empty one there is nothing yet.
      if (isStale && page.events.length > 0 && !this.hinted.has(this.last + 1)) continue;
      if (this.hinted.has(this.last + 1)) {
        isStale = false;
        continue;
      }
      const wasRung = await this.wakeUp.wait(pollMs, signal);
      isStale = !wasRung || !this.hinted.has(this.last + 1);
    }
  }

  private async readStore(): Promise<EventPage> {
    const { first } = this;
    this.first = undefined;
    if (first) return first;
    try {
      return await this.options.list(this.last);
    } catch (error) {
      if (error instanceof MillraceError && error.retryable) return { events: [], done: false };
      throw error;
    }
  }

  private takeHinted(): EventPage {
    const events: FeedEvent[] = [];
    for (let next = this.hinted.get(this.last + 1); next; next = this.hinted.get(this.last + 1 + events.length)) {
      events.push(next);
    }
    // A run that was retried goes on behind its terminal event.
    const done = terminalEventTypes.has(events.at(-1)?.type as RunEventType);
    return { events, done };
  }

  private advance(page: EventPage): EventPage {
    this.last = page.events.at(-1)?.position ?? this.last;
    for (const position of this.hinted.keys()) if (position <= this.last) this.hinted.delete(position);
    return page;
  }
}
