/** Reads a stream from a sequence on, through reconnects, and from its beginning when somebody wiped it meanwhile. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConsumerMessages, JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { ReportProblem } from '../problem.js';
import type { StreamDefinition } from '../topology.js';
import type { FollowedRawMessage } from '../transport.js';
import type { Connection } from './connection.js';
import { headersOf } from './held-message.js';

export interface FollowPlatform {
  readonly connection: Connection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly report: ReportProblem;
}

/** How many messages may wait for their reader. */
const readAhead = 200;
const reconnectPatienceMs = 60_000;
const retryMs = 500;
/** The server forgets a reader that has been away for so long. */
const forgottenAfterMs = 60_000;

export async function* followStream(
  platform: FollowPlatform,
  stream: StreamDefinition,
  pattern: string,
  { afterSequence, signal }: { readonly afterSequence: number; readonly signal: AbortSignal },
): AsyncIterable<FollowedRawMessage> {
  const { connection, report } = platform;
  let cursor = afterSequence;
  while (!signal.aborted && !connection.nats.isClosed()) {
    const reader = await openReader(platform, stream, pattern, cursor, signal).catch((cause: unknown) => {
      if (!signal.aborted) report({ code: 'follow_interrupted', message: 'Trying again.', subject: pattern, cause });
      return undefined;
    });
    if (reader === undefined) {
      await pause(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
      continue;
    }
    try {
      for await (const read of reader.messages) {
        cursor = read.seq;
        const { subject, data: payload, headers, seq: sequence } = read;
        yield { subject, payload, headers: headersOf(headers), sequence, stream: reader.stream };
      }
    } finally {
      reader.close();
    }
  }
}

/** A reader that ends with the signal, and with each reconnect: the stream may be another one afterwards. */
async function openReader(
  { connection, client, manager }: FollowPlatform,
  stream: StreamDefinition,
  pattern: string,
  cursor: number,
  signal: AbortSignal,
): Promise<{ readonly messages: ConsumerMessages; readonly stream: string; readonly close: () => void }> {
  await connection.whenConnected(reconnectPatienceMs);
  const { state, created } = await manager.streams.info(stream.name);
  const consumer = await client.consumers.get(stream.name, {
    filter_subjects: pattern,
    opt_start_seq: cursor > state.last_seq ? 1 : cursor + 1,
    inactive_threshold: forgottenAfterMs,
  });
  const messages = await consumer.consume({ max_messages: readAhead });
  const stop = (): void => messages.stop();
  const stopListening = connection.onReconnect(stop);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const close = (): void => {
    stopListening();
    signal.removeEventListener('abort', stop);
    stop();
    void consumer.delete().catch(() => undefined);
  };
  return { messages, stream: String(created), close };
}
