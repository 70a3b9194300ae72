/**
 * The transport of the one-process mode: streams in memory, everything else as on the wire. Messages are the same bytes,
 * so no object is shared between sender and receiver, and nobody is called before the sender's own turn has ended.
 */
import { isCustomWork } from '@millrace/contracts';
import { MillraceError, type Clock } from '@millrace/kernel';
import { randomUUID } from 'node:crypto';
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
import { matchesSubject, patternsOverlap } from '../subject.js';
import type { StreamDefinition, StreamName } from '../topology.js';
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
import { noHeaders } from '../wire/headers.js';
import { DurableQueue } from './durable-queue.js';
import { Exchange } from './exchange.js';
import { Fifo } from './fifo.js';
import { FollowerBell } from './follower-bell.js';
import { StoredLog } from './stored-log.js';

interface StreamState {
  readonly log: StoredLog;
  readonly queues: Map<string, DurableQueue>;
  readonly bell: FollowerBell;
}

/** Passing messages that wait for their turn; beyond them notifications are dropped. */
const maximumMailbox = 200_000;

const covers = (queues: Iterable<DurableQueue>, subject: string): boolean =>
  [...queues].some((queue) => matchesSubject(queue.pattern, subject));

const copied = (headers: Headers): Headers => (headers === noHeaders ? noHeaders : { ...headers });

export class InProcessTransport implements Transport {
  readonly system = 'in-process';
  /** Streams live as long as their transport. */
  private readonly identity = randomUUID();
  private readonly streams = new Map<StreamName, StreamState>();
  private readonly exchange = new Exchange();
  private readonly mailbox = new Fifo<() => void>();
  private readonly toDispatch = new Set<DurableQueue>();
  private flushing: NodeJS.Immediate | undefined;
  private closed = false;

  constructor(
    definitions: readonly StreamDefinition[],
    private readonly clock: Clock,
    private readonly report: ReportProblem,
  ) {
    for (const definition of definitions) {
      this.streams.set(definition.name, {
        log: new StoredLog(definition),
        queues: new Map(),
        bell: new FollowerBell(),
      });
    }
  }

  store(
    stream: StreamDefinition,
    message: RawMessage & { readonly messageId: string },
    _timeoutMs: number,
  ): Promise<PublishReceipt> {
    return new Promise((resolve) => {
      const { log, queues, bell } = this.stateOf(stream);
      const receipt = log.append({ ...message, headers: copied(message.headers) }, this.clock.now().getTime());
      resolve(receipt);
      if (receipt.duplicate) return;
      for (const queue of queues.values()) {
        if (matchesSubject(queue.pattern, message.subject)) queue.offer(receipt.sequence);
      }
      bell.ring(message.subject);
      this.send(message);
    });
  }

  send(message: RawMessage): void {
    this.pass({ ...message, headers: copied(message.headers) });
  }

  request(
    message: RawMessage,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RawReply> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        clearTimeout(timer);
        reject(new MillraceError('cancelled', 'request_cancelled', 'The request was cancelled.'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', cancel);
        const text = `No reply on "${message.subject}" within ${timeoutMs} ms.`;
        reject(new MillraceError('timeout', 'request_timeout', text));
      }, timeoutMs);
      if (signal?.aborted === true) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      const finish = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
      };
      const reply = (answer: RawReply): void =>
        this.later(() => {
          finish();
          resolve({ payload: answer.payload, headers: copied(answer.headers) });
        });
      if (this.pass({ ...message, headers: copied(message.headers), reply })) return;
      finish();
      const text = `Nobody answers on "${message.subject}".`;
      reject(new MillraceError('unavailable', 'no_responders', text));
    });
  }

  listen(pattern: string, queue: string | undefined, onMessage: (request: RawRequest) => void): Promise<Listener> {
    this.assertOpen();
    const leave = this.exchange.join({ pattern, queue, onMessage });
    // What is on its way already still arrives before this resolves.
    const stop = (): Promise<void> => {
      leave();
      return new Promise((resolve) => (this.closed ? resolve() : this.later(resolve)));
    };
    return Promise.resolve({ stop });
  }

  pull(options: PullOptions): Promise<Pull> {
    return new Promise((resolve) => {
      const queue = this.queueOf(options);
      queue.attach(options);
      const stop = (): Promise<void> => {
        queue.detach(options);
        return Promise.resolve();
      };
      resolve({ wake: () => queue.wake(), stop });
    });
  }

  declare(declared: DeclaredPull): Promise<DeclaredConsumer> {
    return new Promise((resolve) => {
      const created = !this.stateOf(declared.stream).queues.has(declared.durableName);
      this.queueOf(declared);
      resolve({ created, madeAt: this.identity, next: '' });
    });
  }

  async *follow(
    stream: StreamDefinition,
    pattern: string,
    { afterSequence, signal }: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<FollowedRawMessage> {
    const { log, bell } = this.stateOf(stream);
    // A number from before a restart: what is stored now is all new.
    let cursor = afterSequence > log.lastSequence ? 0 : afterSequence;
    while (!signal.aborted && !this.closed) {
      log.forgetOld(this.clock.now().getTime());
      const message = log.next(pattern, cursor);
      if (message === undefined) {
        await bell.wait(pattern, signal);
      } else {
        cursor = message.sequence;
        yield { ...message, stream: this.identity };
      }
    }
  }

  read(
    stream: StreamDefinition,
    pattern: string,
    { afterSequence, limit }: { readonly afterSequence: number; readonly limit: number },
  ): Promise<RawPage> {
    return new Promise((resolve) => {
      const { log } = this.stateOf(stream);
      log.forgetOld(this.clock.now().getTime());
      const messages = log.after(pattern, afterSequence, limit);
      const reachedSequence = messages.length < limit ? log.lastSequence : (messages.at(-1)?.sequence ?? 0);
      resolve({ messages, reachedSequence, extent: this.extentOf(log) });
    });
  }

  extent(stream: StreamDefinition): Promise<StreamExtent> {
    return new Promise((resolve) => {
      const { log } = this.stateOf(stream);
      log.forgetOld(this.clock.now().getTime());
      resolve(this.extentOf(log));
    });
  }

  backlog(stream: StreamDefinition, durableName: string): Promise<Backlog | null> {
    const status = this.stateOf(stream).queues.get(durableName)?.status;
    return Promise.resolve(
      status === undefined ? null : { pending: status.pending, unacknowledged: status.unacknowledged },
    );
  }

  inspect(): Promise<readonly StreamStatus[]> {
    const statuses = [...this.streams].map(([name, { log, queues }]) => ({
      name,
      messages: log.messages,
      bytes: log.size,
      fill: log.fill,
      consumers: [...queues].map(([durableName, queue]) => ({ name: durableName, ...queue.status })),
      stranded: {
        uncovered: log.countWhere((subject) => !isCustomWork(subject) && !covers(queues.values(), subject)),
        exhausted: 0,
      },
    }));
    return Promise.resolve(statuses);
  }

  health(): BusHealth {
    return { ready: !this.closed, problems: this.closed ? ['the bus is closed'] : [] };
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      // After the last messages of this turn, replies above all, have found their receivers.
      setImmediate(() => {
        this.closed = true;
        for (const { queues, bell } of this.streams.values()) {
          for (const queue of queues.values()) queue.close();
          bell.ringAll();
        }
        resolve();
      });
    });
  }

  private extentOf({ firstSequence, lastSequence, fill }: StoredLog): StreamExtent {
    return { identity: this.identity, firstSequence, lastSequence, fullness: fill };
  }

  private queueOf({ stream, durableName, subject }: DeclaredPull): DurableQueue {
    const { log, queues } = this.stateOf(stream);
    const known = queues.get(durableName);
    if (known?.pattern === subject) return known;
    const conflicting =
      known !== undefined ||
      (stream.retention === 'work-queue' &&
        [...queues.values()].some((queue) => patternsOverlap(queue.pattern, subject)));
    if (conflicting) {
      const text = `"${durableName}" cannot consume "${subject}": another consumer of ${stream.name} has that name or subject.`;
      throw new MillraceError('conflict', 'consumer_conflict', text);
    }
    const queue = new DurableQueue(log, subject, (due) => this.scheduleDispatch(due));
    queues.set(durableName, queue);
    return queue;
  }

  /** Hands a message to its recipients in a later turn. False when there are none. */
  private pass(request: RawRequest): boolean {
    const recipients = this.exchange.next(request);
    if (recipients.length === 0) return false;
    if (this.mailbox.length >= maximumMailbox) {
      this.report({ code: 'notification_not_sent', message: 'The mailbox is full.', subject: request.subject });
      return true;
    }
    this.later(() => {
      for (const member of recipients) member.onMessage(request);
    });
    return true;
  }

  private later(task: () => void): void {
    this.mailbox.push(task);
    this.scheduleFlush();
  }

  private scheduleDispatch(queue: DurableQueue): void {
    this.toDispatch.add(queue);
    this.scheduleFlush();
  }

  private scheduleFlush(): void {
    if (this.flushing === undefined && !this.closed) this.flushing = setImmediate(() => this.flush());
  }

  private flush(): void {
    this.flushing = undefined;
    for (let left = this.mailbox.length; left > 0; left -= 1) this.mailbox.shift()?.();
    const queues = [...this.toDispatch];
    this.toDispatch.clear();
    for (const queue of queues) queue.dispatch();
  }

  private stateOf({ name }: StreamDefinition): StreamState {
    this.assertOpen();
    const state = this.streams.get(name);
    if (state === undefined) throw new Error(`No stream ${name}.`);
    return state;
  }

  private assertOpen(): void {
    if (this.closed) throw new MillraceError('unavailable', 'bus_closed', 'The bus is closed.');
  }
}
