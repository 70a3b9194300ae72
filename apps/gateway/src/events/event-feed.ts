/**
 * The events of one tenant that match a filter, in the order in which they were stored.
 *
 * 1. Each comes once, and none is left out: positions count what was looked past as well as what matched.
 * 2. A position that the stream cannot continue from is refused, never rounded.
 * 3. A page costs a bounded amount of reading, however rarely the filter matches.
 */
import { type CloudEvent, cloudEventOf } from '@millrace/contracts';
import type { MessageBus, StoredMessage, StreamExtent } from '@millrace/messaging';
import { assertHeld, type EventPosition } from './event-cursor.js';
import type { EventFilter } from './event-filter.js';

export interface PositionedEvent {
  readonly event: CloudEvent;
  readonly position: EventPosition;
}

export interface FeedPage {
  readonly events: readonly PositionedEvent[];
  readonly reached: EventPosition;
  /** More may be stored already. */
  readonly more: boolean;
}

/** Where a reader begins: behind a position, behind all there is now, or (undefined) with the oldest that is held. */
export type EventStart = EventPosition | 'now' | undefined;

/** Messages read at once. */
const chunk = 100;
/** Messages that one page looks through. */
const maximumScan = 2_000;
/** A page ends with the event that makes it longer than this, in characters of JSON. */
const fullPageCharacters = 4 * 1024 * 1024;

export class EventFeed {
  constructor(
    private readonly bus: MessageBus,
    private readonly tenantId: string,
    private readonly filter: EventFilter,
  ) {}

  /** @throws MillraceError `cursor_expired`, `cursor_lost`, `bus_unavailable`, `stream_unavailable` */
  async positionOf(start: EventStart): Promise<EventPosition> {
    const extent = await this.bus.extent(this.filter.pattern);
    if (start === 'now') return { stream: extent.identity, after: extent.lastSequence };
    if (start === undefined) return beginningOf(extent);
    assertHeld(start, extent);
    return start;
  }

  /** At most `limit` events after a position, without waiting. Errors as `positionOf`. */
  async page(from: EventPosition, limit: number): Promise<FeedPage> {
    const events: PositionedEvent[] = [];
    let reached = from;
    let characters = 0;
    for (let scanned = 0; scanned < maximumScan;) {
      const size = this.filter.isSelective ? chunk : Math.min(chunk, limit - events.length);
      const page = await this.bus.read(this.filter.pattern, { afterSequence: reached.after, limit: size });
      assertHeld(reached, page.extent);
      for (const message of page.messages) {
        reached = { ...reached, after: message.sequence };
        const event = this.matching(message);
        if (event === undefined) continue;
        events.push({ event, position: reached });
        characters += JSON.stringify(event).length;
        if (events.length === limit || characters > fullPageCharacters) return { events, reached, more: true };
      }
      reached = { ...reached, after: Math.max(reached.after, page.reachedSequence) };
      if (reached.after >= page.extent.lastSequence) return { events, reached, more: false };
      scanned += size;
    }
    return { events, reached, more: true };
  }

  /** Resolves at the next event after a position, or when the signal aborts. */
  async next(from: EventPosition, signal: AbortSignal): Promise<void> {
    for await (const { event, position } of this.follow(from, signal)) {
      if (event !== undefined || position.stream !== from.stream) return;
    }
  }

  /** What is stored after a position and what follows, until the signal aborts; `event` is absent where the filter does not match. */
  async *follow(
    from: EventPosition,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly event: CloudEvent | undefined; readonly position: EventPosition }> {
    for await (const message of this.bus.follow(this.filter.pattern, { afterSequence: from.after, signal })) {
      yield { event: this.matching(message), position: { stream: message.stream, after: message.sequence } };
    }
  }

  /** The filter keeps to the tenant's subjects; what stands in a message is looked at as well. */
  private matching({ envelope, headers }: StoredMessage): CloudEvent | undefined {
    const event = cloudEventOf({ envelope, headers });
    if (event === undefined || envelope.tenantId !== this.tenantId || event.tenantid !== this.tenantId)
      return undefined;
    return this.filter.matches(event) ? event : undefined;
  }
}

const beginningOf = ({ identity, firstSequence }: StreamExtent): EventPosition => ({
  stream: identity,
  after: Math.max(0, firstSequence - 1),
});
