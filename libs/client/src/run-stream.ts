/** The events and tokens of a run as they happen; a broken connection is taken up again where it broke. */
import { liveTokenSchema, type LiveToken, routes, runEventSchema, terminalEventTypes } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { z } from 'zod';
import type { Connection } from './connection.js';

/** A run event or a piece of a model's text; `id` resumes behind it. */
export type StreamItem =
  | { readonly kind: 'event'; readonly id: string | undefined; readonly event: z.infer<typeof runEventSchema> }
  | { readonly kind: 'token'; readonly id: string | undefined; readonly token: LiveToken };

export interface StreamOptions {
  /** Begin behind the item with this id. */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

/** Connections in a row that bring nothing, after which the stream fails. */
const patience = 5;
const longestPauseMs = 5_000;

/**
 * Follows a run to its end. The last item is the run's last event.
 * @throws MillraceError as the gateway said it; `server_unreachable` after several tries; `cancelled`
 */
export async function* streamRun(
  connection: Connection,
  runId: string,
  { after, signal }: StreamOptions = {},
): AsyncGenerator<StreamItem, void, undefined> {
  let lastId = after;
  for (let failures = 0; failures < patience; failures += 1) {
    try {
      for await (const item of readOnce(connection, runId, lastId, signal)) {
        failures = 0;
        lastId = item.id ?? lastId;
        yield item;
        if (item.kind === 'event' && isLast(item.event.type)) return;
      }
    } catch (error) {
      if (signal?.aborted)
        throw new MillraceError('cancelled', 'cancelled', 'The stream was cancelled.', { cause: error });
      if (error instanceof StreamEnded) return;
      if (error instanceof MillraceError && !error.retryable) throw error;
    }
    await pause(Math.min(longestPauseMs, 100 * 2 ** failures), undefined, { signal });
  }
  throw new MillraceError('unavailable', 'stream_broken', `The stream of ${runId} breaks off again and again.`);
}

const isLast = (type: string): boolean => (terminalEventTypes as ReadonlySet<string>).has(type);

/** The gateway said that there is nothing behind the last id. */
class StreamEnded extends Error {}

async function* readOnce(
  connection: Connection,
  runId: string,
  lastId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamItem> {
  const { method, path } = routes.streamRun;
  const headers = { accept: 'text/event-stream', 'last-event-id': lastId };
  const response = await connection.open({ method, path, params: { id: runId }, headers, signal });
  if (response.status === 204 || response.body === null) throw new StreamEnded();
  const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { event, id, data } of messages) {
    const value: unknown = JSON.parse(data);
    if (event === 'token') yield { kind: 'token', id, token: liveTokenSchema.parse(value) };
    else yield { kind: 'event', id, event: runEventSchema.parse(value) };
  }
}
