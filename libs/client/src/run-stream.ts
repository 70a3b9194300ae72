import {
  type LiveToken,
  liveTokenSchema,
  runEventSchema,
  type RunEventType,
  routes,
  terminalEventTypes,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream';
import type { z } from 'zod';
import { backOff, type Transport } from './transport.js';

/** A run event or a token, with the id that a later stream may resume after. */
export type RunStreamItem =
  | { readonly kind: 'event'; readonly id: string; readonly event: z.output<typeof runEventSchema> }
  | { readonly kind: 'token'; readonly id: string; readonly token: LiveToken };

export interface RunStreamOptions {
  /** The id of the last item that was had before. */
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Connections in a row that may bring nothing before it gives up. Default 10. */
  readonly attempts?: number;
}

/** The server sends something every 15 s, if only a heartbeat: a connection that is silent for longer is dead. */
const silenceMs = 45_000;
const defaultAttempts = 10;

/**
 * What happens in a run, until its terminal event. A connection that breaks is made again after the last id: nothing is
 * missed and nothing comes twice.
 * @throws MillraceError what the server refuses with; `server_unreachable` and the like when trying again did not help.
 */
export async function* streamRun(
  transport: Transport,
  runId: string,
  options: RunStreamOptions = {},
): AsyncGenerator<RunStreamItem, void, undefined> {
  const { signal, attempts = defaultAttempts } = options;
  let { lastEventId } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const item of connectOnce(transport, runId, lastEventId, signal)) {
        if (item === 'over') return;
        lastEventId = item.id;
        attempt = 1;
        yield item;
        if (item.kind === 'event' && terminalEventTypes.has(item.event.type as RunEventType)) return;
      }
      throw new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.');
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable || attempt >= attempts) throw error;
      await backOff(error, attempt, signal);
    }
  }
}

/** The items of one connection; `over` when the server says that there is nothing more. */
async function* connectOnce(
  transport: Transport,
  runId: string,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunStreamItem | 'over'> {
  const silence = new Silence();
  const any = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  try {
    const headers = { accept: 'text/event-stream', 'last-event-id': lastEventId };
    const response = await transport.open(routes.streamRun, { params: { id: runId }, headers, signal }, any);
    if (response.status === 204 || !response.body) return void (yield 'over');
    const frames = response.body
      .pipeThrough(silence.watch())
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const frame of frames) {
      const item = itemOf(frame);
      if (item) yield item;
    }
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    if (signal?.aborted) throw new MillraceError('cancelled', 'request_cancelled', 'The stream was cancelled.');
    throw new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.', { cause: error });
  } finally {
    silence.end();
  }
}

/** What this version does not know is passed over, as readers of events must. */
function itemOf({ event, id = '', data }: EventSourceMessage): RunStreamItem | undefined {
  const value: unknown = JSON.parse(data);
  if (event === 'token') {
    const token = liveTokenSchema.safeParse(value);
    return token.success ? { kind: 'token', id, token: token.data } : undefined;
  }
  const runEvent = runEventSchema.safeParse(value);
  return runEvent.success ? { kind: 'event', id, event: runEvent.data } : undefined;
}

/** Aborts when nothing has come for too long, and when the reader stops. */
class Silence {
  private readonly controller = new AbortController();
  private timer = this.restart();

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  watch(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
    return new TransformStream({
      transform: (chunk, controller) => {
        clearTimeout(this.timer);
        this.timer = this.restart();
        controller.enqueue(chunk);
      },
    });
  }

  end(): void {
    clearTimeout(this.timer);
    this.controller.abort();
  }

  private restart(): NodeJS.Timeout {
    return setTimeout(() => this.controller.abort(), silenceMs).unref();
  }
}
