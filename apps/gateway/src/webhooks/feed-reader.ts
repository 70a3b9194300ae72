/**
 * Makes deliveries of one tenant's events.
 *
 * 1. The place that is stored moves with the deliveries, in one transaction: none is lost, and none is made twice.
 * 2. It writes only while its replica holds the feed.
 * 3. It hears of events as they pass, and looks by itself now and then, since what passes may be missed.
 */
import { cloudEventOf, tenantEventsSubject } from '@millrace/contracts';
import type { MessageBus, StoredMessage, StreamPage, Subscription } from '@millrace/messaging';
import { traceparentIn } from '../endpoint/traceparent.js';
import type { EventPosition } from '../events/event-cursor.js';
import type { Feed, FeedStore, SequencedEvent } from './feed.store.js';
import { Rounds } from './rounds.js';

const pollMs = 5_000;
/** Events that become deliveries in one transaction. */
const pageSize = 50;
/** A place is stored though nothing happened for the tenant, so that it does not grow too old to be in the stream. */
const idleProgress = 1_000;

export interface FeedReaderParts {
  readonly bus: Pick<MessageBus, 'read' | 'extent' | 'subscribe'>;
  readonly store: Pick<FeedStore, 'advance'>;
  readonly replica: string;
  /** Deliveries were made. */
  readonly onDeliveries: () => void;
  readonly onLost: () => void;
  readonly onProblem: (message: string, error?: unknown) => void;
}

export class FeedReader {
  private readonly rounds: Rounds;
  private readonly pattern: string;
  private stored: EventPosition;
  private subscription: Promise<Subscription | undefined> | undefined;

  constructor(
    private readonly feed: Feed,
    private readonly parts: FeedReaderParts,
  ) {
    this.pattern = tenantEventsSubject(feed.tenantId);
    this.stored = feed.position;
    const onFailure = (error: unknown): void => parts.onProblem('events could not be read for webhooks', error);
    this.rounds = new Rounds(() => this.round(), { pauseMs: pollMs, onFailure });
  }

  start(): void {
    this.subscription = this.parts.bus
      .subscribe(this.pattern, () => this.rounds.wake())
      .catch((error: unknown) => {
        this.parts.onProblem('events are not heard as they pass', error);
        return undefined;
      });
    this.rounds.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.rounds.stop(), this.subscription?.then((subscription) => subscription?.stop())]);
  }

  private async round(): Promise<boolean> {
    const from = await this.placeInStream();
    const page = await this.parts.bus.read(this.pattern, { afterSequence: from.after, limit: pageSize });
    // The stream was made anew meanwhile: the next round begins at its beginning.
    if (page.extent.identity !== from.stream) return true;
    const reached = reachedBy(page, from);
    const events = page.messages.flatMap((message) => this.eventIn(message));
    const isWorthStoring = page.messages.length > 0 || reached.after - this.stored.after >= idleProgress;
    if (!isWorthStoring && from.stream === this.stored.stream) return false;
    const made = await this.parts.store.advance(this.parts.replica, this.feed.tenantId, events, reached);
    if (made === null) {
      this.parts.onLost();
      return false;
    }
    this.stored = reached;
    if (made > 0) this.parts.onDeliveries();
    return page.messages.length === pageSize;
  }

  /** The stored place, or the beginning of a stream that came in its stream's place. */
  private async placeInStream(): Promise<EventPosition> {
    const { identity, firstSequence } = await this.parts.bus.extent(this.pattern);
    if (identity !== this.stored.stream) return { stream: identity, after: 0 };
    if (this.stored.after < firstSequence - 1)
      this.parts.onProblem('events may have grown too old before they were read for webhooks');
    return this.stored;
  }

  private eventIn(message: StoredMessage): SequencedEvent[] {
    const { tenantId } = this.feed;
    const event = cloudEventOf(message);
    if (event === undefined || message.envelope.tenantId !== tenantId || event.tenantid !== tenantId) return [];
    return [{ event, sequence: message.sequence, traceparent: traceparentIn(message.headers['traceparent']) }];
  }
}

const reachedBy = ({ messages, reachedSequence }: StreamPage, from: EventPosition): EventPosition => ({
  ...from,
  after: Math.max(from.after, reachedSequence, messages.at(-1)?.sequence ?? 0),
});
