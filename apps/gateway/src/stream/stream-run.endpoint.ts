import { listRunEvents, liveEventsSubject, liveRunEvents, type MessageContext, routes } from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';
import { BUS, CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject } from '@nestjs/common';
import { CommandSender } from '../commands/command-sender.js';
import type { GatewayConfig } from '../config.js';
import { Endpoint } from '../endpoint/endpoint.js';
import { answered, type RouteReply, type RouteRequest, type Serves } from '../endpoint/exchange.js';
import { beginStream } from './begin-stream.js';
import { EventStreamWriter } from './event-stream-writer.js';
import { OpenStreams } from './open-streams.js';
import { RunEventFeed } from './run-event-feed.js';
import { sayFollowed } from './say-followed.js';
import { parseStreamId, streamIdOf, type StreamPosition, streamStart } from './stream-position.js';
import { markEndOfTokens, TokensEnd, tokensOf } from './token-feed.js';

type StreamRun = typeof routes.streamRun;

const pageSize = 200;
/** Tokens are for eyes: should their end not come, the stream ends without the last of them. */
const lastTokensMs = 3_000;

@Endpoint(routes.streamRun)
export class StreamRunEndpoint implements Serves<StreamRun> {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(CommandSender) private readonly commands: CommandSender,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async handle(request: RouteRequest<StreamRun>): Promise<RouteReply<StreamRun> | typeof answered> {
    const lastEventId = request.headers['last-event-id'];
    const from = lastEventId === undefined ? streamStart : parseStreamId(lastEventId);
    return await this.streams.run(request, (signal) => this.open(request, from, signal));
  }

  /** Subscribes before it reads: whatever is committed after the reading is hinted at. */
  private async open(
    request: RouteRequest<StreamRun>,
    from: StreamPosition,
    signal: AbortSignal,
  ): Promise<RouteReply<StreamRun> | typeof answered> {
    const { context, params } = request;
    const feed = new RunEventFeed({
      after: from.event,
      list: (after) => this.commands.send(listRunEvents, context, { runId: params.id, after, limit: pageSize }),
      pollMs: this.config.streamPollMs,
      signal,
    });
    const subscription = await this.bus.subscribe(liveEventsSubject(params.id), ({ envelope }) => {
      const hint = liveRunEvents.data.safeParse(envelope.data);
      if (hint.success && envelope.tenantId === context.tenantId) feed.hint(hint.data.events);
    });
    const stopSaying = sayFollowed(this.bus, params.id, context);
    try {
      // Refuses an unknown run while it can still be refused.
      const { events, done } = await feed.begin();
      // A reader who has all of it is told to stop, or it would come back for ever.
      if (done && events.length === 0) return { status: 204, body: undefined };
      // HEAD asks for the head alone, and that is known.
      if (request.http.request.method === 'HEAD') beginStream(request).end();
      else await this.write(request, feed, from, signal);
      return answered;
    } finally {
      stopSaying();
      await subscription.stop();
    }
  }

  private async write(
    request: RouteRequest<StreamRun>,
    feed: RunEventFeed,
    from: StreamPosition,
    signal: AbortSignal,
  ): Promise<void> {
    const writer = new EventStreamWriter(beginStream(request), from, {
      idOf: streamIdOf,
      stallMs: this.config.streamStallMs,
    });
    const heartbeat = setInterval(() => void writer.heartbeat(), this.config.streamHeartbeatMs);
    const noMoreTokens = new AbortController();
    const end = new TokensEnd();
    const tokenSignal = AbortSignal.any([signal, noMoreTokens.signal]);
    const tokens = this.writeTokens(request, writer, { from, end, signal: tokenSignal });
    try {
      for await (const { events, done } of feed.pages()) {
        for (const [index, event] of events.entries()) {
          // The last event is the last thing that a reader gets.
          if (done && index === events.length - 1 && !end.await(event.position))
            await this.awaitLastTokens(request, tokens, event.position);
          await writer.send({ event: event.type, data: event, reached: { event: event.position } });
        }
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'a stream ended early');
    } finally {
      clearInterval(heartbeat);
      noMoreTokens.abort();
      await tokens;
      await writer.end();
    }
  }

  private async writeTokens(
    { params, context }: RouteRequest<StreamRun>,
    writer: EventStreamWriter<StreamPosition>,
    { from, end, signal }: { readonly from: StreamPosition; readonly end: TokensEnd; readonly signal: AbortSignal },
  ): Promise<void> {
    try {
      const source = { bus: this.bus, runId: params.id, context, afterSequence: from.token, end, signal };
      for await (const { sequence, token } of tokensOf(source))
        await writer.send({ event: 'token', data: token, reached: { token: sequence } });
    } catch (error) {
      if (!signal.aborted) this.logger.warn({ err: error }, 'the tokens of a stream ended early');
    }
  }

  private async awaitLastTokens(
    request: RouteRequest<StreamRun>,
    tokens: Promise<void>,
    position: number,
  ): Promise<void> {
    await this.markEnd(request.params.id, request.context, position);
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, lastTokensMs);
    await Promise.race([tokens, deadline.promise]);
    clearTimeout(timer);
  }

  private async markEnd(runId: string, context: MessageContext, position: number): Promise<void> {
    await markEndOfTokens({ bus: this.bus, runId, context, position }).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'could not mark the end of tokens');
    });
  }
}
