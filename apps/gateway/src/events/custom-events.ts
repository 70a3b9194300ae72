import {
  type CloudEvent,
  cloudEventOf,
  type MessageContext,
  type NewCloudEvent,
  type ResponseBodyOf,
  type routes,
  tenantEventsSubject,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus, OutgoingMessage, PublishReceipt, StreamExtent } from '@millrace/messaging';
import { BUS } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { customEventMessage, isSameEvent } from './custom-event-message.js';
import { eventCursorOf } from './event-cursor.js';

type StoredEvent = ResponseBodyOf<typeof routes.publishEvents>['items'][number];

/** The other half of the stream is kept for what Millrace itself has to say, whatever tenants publish. */
const fullestForTenants = 0.5;
/** How long, and for how many events, what is known of the stream counts: much may be stored in a second. */
const extentTtlMs = 1_000;
const extentTtlEvents = 100;

/** Publishes the events of tenants. */
@Injectable()
export class CustomEvents {
  private known: { readonly extent: StreamExtent; readonly until: number; left: number } | undefined;

  constructor(@Inject(BUS) private readonly bus: MessageBus) {}

  /**
   * Stores events in the order given; `placeOf` is the JSON pointer to each in the body. When it fails some may be stored: all
   * of them may be sent again.
   * @throws MillraceError `events_full`, `event_too_large`, `event_id_reused`, `invalid_body`, what the bus refuses with
   */
  async publish(
    events: readonly NewCloudEvent[],
    placeOf: (index: number) => string,
    context: MessageContext,
  ): Promise<StoredEvent[]> {
    const now = new Date();
    const messages = events.map((event, index) => customEventMessage(event, placeOf(index), context, now));
    const extent = await this.extentFor(messages.length, context.tenantId);
    if (extent.fullness >= fullestForTenants) {
      const message = 'There is no room for more events now. Old ones go by themselves; try again later.';
      throw new MillraceError('overloaded', 'events_full', message, { retryAfterSeconds: 60 });
    }
    const storing = messages.map((message, index) => this.store(message, events[index], placeOf(index), extent));
    const outcomes = await Promise.allSettled(storing);
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  private async store(
    message: OutgoingMessage,
    event: NewCloudEvent | undefined,
    place: string,
    { identity }: StreamExtent,
  ): Promise<StoredEvent> {
    const receipt = await this.bus.publish(message);
    const { source = '', id = '' } = event ?? {};
    if (receipt.duplicate && event !== undefined && !isSame(event, await this.storedAt(message, receipt))) {
      const text = `The event at "${place}" has the id and source of another one that says something else.`;
      throw new MillraceError('mismatch', 'event_id_reused', text);
    }
    const subject = message.subject.slice(tenantEventsSubject(message.envelope.tenantId, '').length);
    const cursor = eventCursorOf({ stream: identity, after: receipt.sequence });
    return { id, source, subject, cursor, duplicate: receipt.duplicate };
  }

  private async storedAt({ subject }: OutgoingMessage, { sequence }: PublishReceipt): Promise<CloudEvent | undefined> {
    const { messages } = await this.bus.read(subject, { afterSequence: sequence - 1, limit: 1 });
    const [found] = messages;
    return found?.sequence === sequence ? cloudEventOf(found) : undefined;
  }

  private async extentFor(count: number, tenantId: string): Promise<StreamExtent> {
    const { known } = this;
    if (known !== undefined && performance.now() < known.until && known.left >= count) {
      known.left -= count;
      return known.extent;
    }
    const extent = await this.bus.extent(tenantEventsSubject(tenantId));
    this.known = { extent, until: performance.now() + extentTtlMs, left: extentTtlEvents - count };
    return extent;
  }
}

const isSame = (event: NewCloudEvent, stored: CloudEvent | undefined): boolean =>
  stored !== undefined && isSameEvent(event, stored);
