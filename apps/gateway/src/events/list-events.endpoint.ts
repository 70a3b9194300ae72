import { routes } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject } from '@nestjs/common';
import type { GatewayConfig } from '../config.js';
import { Endpoint } from '../endpoint/endpoint.js';
import { answered, type RouteReply, type RouteRequest, type Serves } from '../endpoint/exchange.js';
import { problemOf, refusalOf } from '../problem/problem-of.js';
import { beginStream } from '../stream/begin-stream.js';
import { EventStreamWriter } from '../stream/event-stream-writer.js';
import { OpenStreams } from '../stream/open-streams.js';
import { cursorLost, eventCursorOf, type EventPosition, parseEventCursor } from './event-cursor.js';
import { EventFeed, type EventStart, type FeedPage } from './event-feed.js';
import { eventFilterOf } from './event-filter.js';

type ListEvents = typeof routes.listEvents;
type Request = RouteRequest<ListEvents>;

@Endpoint(routes.listEvents)
export class ListEventsEndpoint implements Serves<ListEvents> {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async handle(request: Request): Promise<RouteReply<ListEvents> | typeof answered> {
    const { query, context } = request;
    const feed = new EventFeed(this.bus, context.tenantId, eventFilterOf(query, context.tenantId));
    const start = startOf(request);
    if (wantsStream(request)) return this.streams.run(request, (signal) => this.stream(request, feed, start, signal));
    const from = await feed.positionOf(start);
    const page = await feed.page(from, query.limit);
    if (page.events.length > 0 || page.more || query.wait === 0) return replyOf(page);
    return this.streams.run(request, (signal) => this.waitForPage(request, feed, page.reached, signal));
  }

  /** An empty page when the time is over or this process drains: the caller asks again, here or elsewhere. */
  private async waitForPage(
    { query }: Request,
    feed: EventFeed,
    from: EventPosition,
    signal: AbortSignal,
  ): Promise<RouteReply<ListEvents>> {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(query.wait * 1000)]);
    await feed.next(from, ended);
    return replyOf(await feed.page(from, query.limit));
  }

  private async stream(
    request: Request,
    feed: EventFeed,
    start: EventStart,
    signal: AbortSignal,
  ): Promise<typeof answered> {
    // Refuses a position that is gone while it can still be refused.
    const from = await feed.positionOf(start);
    if (request.http.request.method === 'HEAD') beginStream(request).end();
    else await this.write(request, feed, from, signal);
    return answered;
  }

  private async write(request: Request, feed: EventFeed, from: EventPosition, signal: AbortSignal): Promise<void> {
    const { streamStallMs: stallMs, streamHeartbeatMs } = this.config;
    const writer = new EventStreamWriter(beginStream(request), from, { idOf: eventCursorOf, stallMs });
    const ended = new AbortController();
    const following = AbortSignal.any([signal, ended.signal]);
    let position = from;
    const beat = async (): Promise<void> => {
      try {
        const idle = await idleSince(feed, position);
        // What was sent meanwhile is further on.
        await writer.heartbeat(idle !== undefined && idle.after >= position.after ? idle : undefined);
      } catch (error) {
        // An outage is no reason to be silent.
        if (isGone(error)) ended.abort(error);
        else await writer.heartbeat();
      }
    };
    const heartbeat = setInterval(() => void beat(), streamHeartbeatMs);
    try {
      for await (const { event, position: reached } of feed.follow(from, following)) {
        if (reached.stream !== position.stream) throw cursorLost();
        position = reached;
        if (event !== undefined) await writer.send({ data: event, reached });
      }
      ended.signal.throwIfAborted();
    } catch (error) {
      await this.tell(request, writer, error);
    } finally {
      clearInterval(heartbeat);
      await writer.end();
    }
  }

  /** The reader is told why the stream ends, in the words that a refusal would have. */
  private async tell(request: Request, writer: EventStreamWriter<EventPosition>, error: unknown): Promise<void> {
    this.logger.warn({ err: error }, 'a stream of events ended early');
    const { problem } = problemOf(refusalOf(error), request.context.correlationId);
    await writer.send({ event: 'problem', data: problem });
  }
}

/**
 * How far a reader of a quiet stream is though nothing came for it, so that its place does not grow too old; undefined where
 * something is on its way.
 */
async function idleSince(feed: EventFeed, position: EventPosition): Promise<EventPosition | undefined> {
  const { events, reached, more } = await feed.page(position, 1);
  return events.length > 0 || more ? undefined : reached;
}

const isGone = (error: unknown): boolean => error instanceof MillraceError && error.code.startsWith('cursor_');

/** @throws MillraceError `invalid_cursor` */
function startOf({ query, headers }: Request): EventStart {
  const cursor = headers['last-event-id'] ?? query.after;
  return cursor === undefined || cursor === 'now' ? cursor : parseEventCursor(cursor);
}

const wantsStream = ({ headers: { accept = '' } }: Request): boolean =>
  accept.split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');

const replyOf = ({ events, reached, more }: FeedPage): RouteReply<ListEvents> => ({
  status: 200,
  body: { items: events.map(({ event }) => event), cursor: eventCursorOf(reached), more },
});
