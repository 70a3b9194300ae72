/** Streams of server-sent events over as many connections as it takes, each continuing behind the last frame of the one before. */
import { errorKindOfStatus, problemSchema, type Route } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { type EventSourceMessage, EventSourceParserStream } from 'eventsource-parser/stream';
import { backOff, type RouteCall, type Transport } from './transport.js';

export interface ResumeOptions {
  /** The id of the last item that was had before. */
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Connections in a row that may bring nothing before it gives up. Default 10. */
  readonly attempts?: number;
}

/** Says of a frame that, where the server closes the connection behind it, there is nothing more. */
type IsEnd = (frame: EventSourceMessage) => boolean;

/** The server sends something every 15 s, if only a heartbeat: a connection that is silent for longer is dead. */
const silenceMs = 45_000;
const defaultAttempts = 10;

/**
 * Frames until the server says that there is nothing more.
 * @throws MillraceError what the server refuses with; `stream_interrupted`, `server_unreachable` and the like when trying again did
 *   not help.
 */
export async function* resumedFrames<R extends Route>(
  transport: Transport,
  route: R,
  call: RouteCall<R>,
  options: ResumeOptions = {},
  isEnd: IsEnd = () => false,
): AsyncGenerator<EventSourceMessage, void, undefined> {
  const { signal, attempts = defaultAttempts } = options;
  let { lastEventId } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const headers = { ...call.headers, accept: 'text/event-stream', 'last-event-id': lastEventId };
      for await (const frame of framesOnce(transport, route, { ...call, headers, signal }, isEnd)) {
        lastEventId = frame.id ?? lastEventId;
        attempt = 1;
        yield frame;
      }
      return;
    } catch (error) {
      if (!(error instanceof MillraceError) || !error.retryable || attempt >= attempts) throw error;
      await backOff(error, attempt, signal);
    }
  }
}

/** The frames of one connection, which returns only when the server says that there is nothing more. */
async function* framesOnce<R extends Route>(
  transport: Transport,
  route: R,
  call: RouteCall<R>,
  isEnd: IsEnd,
): AsyncGenerator<EventSourceMessage> {
  const { signal } = call;
  let isOver = false;
  const silence = new Silence();
  const any = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  try {
    const response = await transport.open(route, call, any);
    if (response.status === 204 || !response.body) return;
    const frames = response.body
      .pipeThrough(silence.watch())
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream());
    for await (const frame of frames) {
      if (frame.event === 'problem') throw reasonOfEnd(frame);
      isOver = isEnd(frame);
      yield frame;
    }
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    if (signal?.aborted) throw new MillraceError('cancelled', 'request_cancelled', 'The stream was cancelled.');
    throw new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.', { cause: error });
  } finally {
    silence.end();
  }
  if (isOver) return;
  throw new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.');
}

/** The JSON of a frame. @throws MillraceError `stream_interrupted` for what is none: the connection is not to be trusted. */
export function dataOf({ data }: EventSourceMessage): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.', { cause });
  }
}

/** Why the server ended the stream, in the words that a refusal would have had. */
function reasonOfEnd(frame: EventSourceMessage): MillraceError {
  const problem = problemSchema.safeParse(dataOf(frame));
  if (!problem.success) return new MillraceError('unavailable', 'stream_interrupted', 'The stream broke off.');
  const { status, code, detail } = problem.data;
  return new MillraceError(errorKindOfStatus(status), code, detail);
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
