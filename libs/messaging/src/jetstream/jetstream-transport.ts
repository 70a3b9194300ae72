/** The transport over NATS: JetStream for what is stored, core NATS for what passes. */
import { MillraceError } from '@millrace/kernel';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { headers as newHeaders, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import type { BusHealth, Headers, PublishReceipt } from '../bus.js';
import type { ReportProblem } from '../problem.js';
import type { StreamDefinition } from '../topology.js';
import type {
  Listener,
  Pull,
  PullOptions,
  RawMessage,
  RawReply,
  RawRequest,
  StoredRawMessage,
  Transport,
} from '../transport.js';
import { noHeaders } from '../wire/headers.js';
import type { Connection } from './connection.js';
import { isTimeout, publishFailure, requestFailure } from './failures.js';
import { followStream } from './follow-stream.js';
import { headersOf } from './held-message.js';
import { PullConsumer } from './pull-consumer.js';

export interface JetStreamPlatform {
  readonly connection: Connection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly report: ReportProblem;
  readonly redeclareStreams: () => Promise<void>;
  readonly watchIntervalMs: number;
}

/** An ack may be lost on its way: the second attempt carries the same id and is stored once. */
const publishAttempts = 2;

function natsHeaders(headers: Headers): MsgHdrs | undefined {
  if (headers === noHeaders) return undefined;
  const result = newHeaders();
  for (const name in headers) result.set(name, headers[name] ?? '');
  return result;
}

export class JetStreamTransport implements Transport {
  private readonly pulls = new Set<PullConsumer>();

  constructor(private readonly platform: JetStreamPlatform) {}

  async store(
    stream: StreamDefinition,
    { subject, payload, headers, messageId }: RawMessage & { readonly messageId: string },
    timeoutMs: number,
  ): Promise<PublishReceipt> {
    for (let attempt = 1; ; attempt += 1) {
      const connected = this.platform.connection.whenConnected(timeoutMs);
      if (connected !== undefined) await connected;
      try {
        const options = { msgID: messageId, timeout: timeoutMs, headers: natsHeaders(headers) };
        const { seq, duplicate } = await this.platform.client.publish(subject, payload, options);
        return { sequence: seq, duplicate };
      } catch (error) {
        if (!isTimeout(error) || attempt === publishAttempts) throw publishFailure(error, stream.name);
      }
    }
  }

  send({ subject, payload, headers }: RawMessage): void {
    if (!this.platform.connection.isConnected) return;
    this.platform.connection.nats.publish(subject, payload, { headers: natsHeaders(headers) });
  }

  async request(
    { subject, payload, headers }: RawMessage,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RawReply> {
    if (signal?.aborted === true) throw cancelled();
    const { connection } = this.platform;
    const connected = connection.whenConnected(timeoutMs);
    if (connected !== undefined) await connected;
    try {
      const asking = connection.nats.request(subject, payload, { timeout: timeoutMs, headers: natsHeaders(headers) });
      const reply = await (signal === undefined ? asking : unlessAborted(asking, signal));
      return { payload: reply.data, headers: headersOf(reply.headers) };
    } catch (error) {
      throw requestFailure(error, subject, timeoutMs);
    }
  }

  async listen(
    pattern: string,
    queue: string | undefined,
    onMessage: (request: RawRequest) => void,
  ): Promise<Listener> {
    const { connection, report } = this.platform;
    const subscription = connection.nats.subscribe(pattern, {
      queue,
      callback: (cause, message) => {
        if (cause === null) onMessage(this.rawRequestOf(message));
        else report({ code: 'subscription_refused', message: 'NATS ended a subscription.', subject: pattern, cause });
      },
    });
    // The server must know of it before the caller may rely on it.
    await connection.nats.flush();
    const stop = async (): Promise<void> => {
      if (!subscription.isClosed() && connection.isConnected) await subscription.drain().catch(() => undefined);
    };
    return { stop };
  }

  async pull(options: PullOptions): Promise<Pull> {
    const pull = await PullConsumer.start(this.platform, options, (stopped) => this.pulls.delete(stopped));
    this.pulls.add(pull);
    return pull;
  }

  follow(
    stream: StreamDefinition,
    pattern: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<StoredRawMessage> {
    return followStream(this.platform, stream, pattern, options);
  }

  health(): BusHealth {
    const problems = [...this.pulls].flatMap((pull) => pull.problem ?? []);
    if (!this.platform.connection.isConnected) problems.unshift('the connection to NATS is down');
    return { ready: problems.length === 0, problems };
  }

  async close(): Promise<void> {
    const { nats } = this.platform.connection;
    if (nats.isClosed()) return;
    // A drain would wait for a server that is not there.
    if (this.platform.connection.isConnected) await nats.drain().catch(() => nats.close());
    else await nats.close();
  }

  private rawRequestOf(message: Msg): RawRequest {
    const { subject, data: payload, reply } = message;
    const headers = headersOf(message.headers);
    if (reply === undefined || reply === '') return { subject, payload, headers };
    return { subject, payload, headers, reply: (answer) => this.send({ subject: reply, ...answer }) };
  }
}

const cancelled = (): MillraceError =>
  new MillraceError('cancelled', 'request_cancelled', 'The request was cancelled.');

async function unlessAborted(asking: Promise<Msg>, signal: AbortSignal): Promise<Msg> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(cancelled());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([asking, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
