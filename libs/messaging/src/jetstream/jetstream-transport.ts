/** The transport over NATS: JetStream for what is stored, core NATS for what passes. */
import { toMillraceError } from '@millrace/kernel';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { headers as newHeaders, type Msg, type MsgHdrs } from '@nats-io/nats-core';
import { z } from 'zod';
import type {
  Backlog,
  BusHealth,
  DeclaredConsumer,
  Headers,
  PublishReceipt,
  StreamExtent,
  StreamStatus,
} from '../bus.js';
import type { ReportProblem } from '../problem.js';
import type { StreamDefinition } from '../topology.js';
import type {
  DeclaredPull,
  FollowedRawMessage,
  Listener,
  Pull,
  PullOptions,
  RawMessage,
  RawPage,
  RawReply,
  RawRequest,
  Transport,
} from '../transport.js';
import { decodeJson } from '../wire/envelope.js';
import { noHeaders } from '../wire/headers.js';
import type { Connection } from './connection.js';
import { confirmationFailure, refusal } from './failures.js';
import { followStream } from './follow-stream.js';
import { headersOf } from './held-message.js';
import { backlogOf, inspectStreams } from './inspect-streams.js';
import { PullConsumer } from './pull-consumer.js';
import { extentOfStream, readStream } from './read-stream.js';
import { ReplyInbox } from './reply-inbox.js';

export interface JetStreamPlatform {
  readonly connection: Connection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly report: ReportProblem;
  readonly redeclareStreams: () => Promise<void>;
  readonly declareConsumer: (declared: DeclaredPull) => Promise<DeclaredConsumer>;
  readonly watchIntervalMs: number;
}

/** An ack may be lost on its way: the second attempt carries the same id and is stored once. */
const publishAttempts = 2;
const closeTimeoutMs = 1_000;
const unconfirmed: ReadonlySet<string> = new Set(['publish_timeout', 'bus_unavailable']);

function natsHeaders(headers: Headers): MsgHdrs | undefined {
  if (headers === noHeaders) return undefined;
  const result = newHeaders();
  for (const name in headers) result.set(name, headers[name] ?? '');
  return result;
}

export class JetStreamTransport implements Transport {
  readonly system = 'nats';
  private readonly pulls = new Set<PullConsumer>();
  private readonly replies: ReplyInbox;

  constructor(private readonly platform: JetStreamPlatform) {
    this.replies = new ReplyInbox(platform.connection);
  }

  async store(
    stream: StreamDefinition,
    message: RawMessage & { readonly messageId: string },
    timeoutMs: number,
  ): Promise<PublishReceipt> {
    const { subject, payload, messageId } = message;
    const headers = natsHeaders(message.headers) ?? newHeaders();
    headers.set('Nats-Msg-Id', messageId);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return receiptOf(stream, await this.replies.ask({ subject, payload, headers, timeoutMs }));
      } catch (error) {
        const failure = confirmationFailure(toMillraceError(error), stream.name);
        if (!unconfirmed.has(failure.code) || attempt === publishAttempts) throw failure;
      }
    }
  }

  send({ subject, payload, headers }: RawMessage): void {
    const { connection, report } = this.platform;
    if (!connection.isConnected) return;
    const onRefused = (cause: unknown): void =>
      report({ code: 'notification_not_sent', message: 'NATS did not take the message.', subject, cause });
    connection.publish({ subject, payload, headers: natsHeaders(headers), onRefused });
  }

  async request(
    { subject, payload, headers }: RawMessage,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RawReply> {
    const reply = await this.replies.ask({ subject, payload, headers: natsHeaders(headers), ...options });
    return { payload: reply.data, headers: headersOf(reply.headers) };
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
      if (subscription.isClosed() || !connection.isConnected) return;
      connection.flush();
      // Requests on their way are owed an answer; passing messages are not looked at any more, and many come and go.
      if (queue === undefined) subscription.unsubscribe();
      else await subscription.drain().catch(() => undefined);
    };
    return { stop };
  }

  async pull(options: PullOptions): Promise<Pull> {
    const pull = await PullConsumer.start(this.platform, options, (stopped) => this.pulls.delete(stopped));
    this.pulls.add(pull);
    return pull;
  }

  declare(declared: DeclaredPull): Promise<DeclaredConsumer> {
    return this.platform.declareConsumer(declared);
  }

  follow(
    stream: StreamDefinition,
    pattern: string,
    options: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<FollowedRawMessage> {
    return followStream(this.platform, stream, pattern, options);
  }

  read(
    stream: StreamDefinition,
    pattern: string,
    options: { readonly afterSequence: number; readonly limit: number },
  ): Promise<RawPage> {
    return readStream(this.platform, stream, pattern, options);
  }

  extent(stream: StreamDefinition): Promise<StreamExtent> {
    return extentOfStream(this.platform, stream);
  }

  backlog({ name }: StreamDefinition, durableName: string): Promise<Backlog | null> {
    return backlogOf(this.platform.manager, name, durableName);
  }

  inspect(): Promise<readonly StreamStatus[]> {
    return inspectStreams(this.platform.manager);
  }

  health(): BusHealth {
    const problems = [...this.pulls].flatMap((pull) => pull.problem ?? []);
    if (!this.platform.connection.isConnected) problems.unshift('the connection to NATS is down');
    return { ready: problems.length === 0, problems };
  }

  async close(): Promise<void> {
    const { connection } = this.platform;
    const { nats } = connection;
    if (nats.isClosed()) return;
    // A drain would wait for a server that is not there, or that does not answer.
    const timer = setTimeout(() => void nats.close(), closeTimeoutMs);
    // The drain of a connection that is closed meanwhile may never settle.
    await Promise.race([connection.drain(), nats.closed()]);
    await nats.closed();
    clearTimeout(timer);
  }

  private rawRequestOf(message: Msg): RawRequest {
    const { subject, data: payload, reply } = message;
    const headers = headersOf(message.headers);
    if (reply === undefined || reply === '') return { subject, payload, headers };
    return { subject, payload, headers, reply: (answer) => this.send({ subject: reply, ...answer }) };
  }
}

/** What the server says of a message: where it is, or why not. */
const confirmationSchema = z.union([
  z.object({ stream: z.string(), seq: z.int().positive(), duplicate: z.boolean().optional() }),
  z.object({ error: z.object({ err_code: z.int().default(0), description: z.string().default('') }) }),
]);

function receiptOf(stream: StreamDefinition, reply: Msg): PublishReceipt {
  const confirmation = confirmationSchema.safeParse(decodeJson(reply.data));
  if (!confirmation.success) throw refusal(stream.name, 0, 'it answered in words of its own');
  if ('error' in confirmation.data) {
    const { err_code, description } = confirmation.data.error;
    throw refusal(stream.name, err_code, description);
  }
  return { sequence: confirmation.data.seq, duplicate: confirmation.data.duplicate === true };
}
