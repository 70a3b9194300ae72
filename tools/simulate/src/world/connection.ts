/** A process's connection to the bus: the product's own bus in memory, at the other end of an unsafe network. */
import { MillraceError } from '@millrace/kernel';
import type {
  HeldRawMessage,
  InProcessTransport,
  Listener,
  Pull,
  PullOptions,
  RawMessage,
  RawReply,
  RawRequest,
  Transport,
} from '@millrace/messaging';
import { setTimeout as pause } from 'node:timers/promises';
import { world as outside } from '../time/virtual-time.js';
import type { Broker } from './broker.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

const followMs = 500;

const unanswered = (): MillraceError =>
  new MillraceError('timeout', 'publish_timeout', 'The bus did not answer in time.');

export class Connection implements Transport {
  readonly system = 'simulated';

  constructor(
    private readonly world: World,
    private readonly process: SimulatedProcess,
    private readonly broker: Broker,
  ) {}

  store(
    stream: Parameters<Transport['store']>[0],
    message: RawMessage & { readonly messageId: string },
    timeoutMs: number,
  ) {
    return this.ask(`publish ${message.messageId} on ${message.subject}`, timeoutMs, () =>
      this.broker.store(stream, message),
    );
  }

  send(message: RawMessage): void {
    const { messageLoss } = this.world.weather;
    const send = (): void => this.broker.transport.send(message);
    this.world.tell(this.process, `notify ${message.subject}`, send, messageLoss);
  }

  request(
    message: RawMessage,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RawReply> {
    const asked = this.ask(`request ${message.subject}`, timeoutMs, () =>
      this.broker.transport.request(message, { timeoutMs: 10 * timeoutMs }),
    );
    return new Promise((resolve, reject) => {
      const cancel = (): void =>
        reject(new MillraceError('cancelled', 'request_cancelled', 'The request was cancelled.'));
      const late = setTimeout(() => {
        signal?.removeEventListener('abort', cancel);
        reject(new MillraceError('timeout', 'request_timeout', `No reply on "${message.subject}".`));
      }, timeoutMs);
      signal?.addEventListener('abort', cancel, { once: true });
      const finish = (): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', cancel);
      };
      asked.finally(finish).then(resolve, reject);
    });
  }

  async listen(
    pattern: string,
    queue: string | undefined,
    onMessage: (request: RawRequest) => void,
  ): Promise<Listener> {
    const listener = await this.join(`listen ${pattern}`, () =>
      this.broker.listen(pattern, queue, (request) => this.pass(request, onMessage)),
    );
    this.whenGone(() => void listener.stop());
    return { stop: () => this.join(`stop listening ${pattern}`, () => listener.stop()) };
  }

  async pull(options: PullOptions): Promise<Pull> {
    let travelling = 0;
    const { process, world } = this;
    const onMessage = (message: HeldRawMessage): void => {
      const name = `task ${message.subject} #${message.sequence}, delivery ${message.deliveryCount}`;
      const receive = (): void => {
        travelling -= 1;
        world.note(() => name, process);
        options.onMessage(this.heldBy(message));
      };
      if (world.happens(world.weather.messageLoss)) return world.note(() => `loses: ${name}`, process);
      travelling += 1;
      world.deliver(process, name, receive);
    };
    const demand = (): number => (process.isAlive ? options.demand() - travelling : 0);
    const pull = await this.join(`pull ${options.subject}`, () => this.broker.pull({ ...options, demand, onMessage }));
    this.whenGone(() => void pull.stop());
    return {
      wake: () => world.tell(process, `more ${options.subject}`, () => pull.wake()),
      stop: () => this.join(`stop pulling ${options.subject}`, () => pull.stop()),
    };
  }

  declare(...asked: Parameters<Transport['declare']>): ReturnType<Transport['declare']> {
    return this.join('declare', () => this.broker.transport.declare(...asked));
  }

  /** Asks again and again, so that whatever it hears belongs to the process. */
  async *follow(
    stream: Parameters<Transport['follow']>[0],
    pattern: string,
    { afterSequence, signal }: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): ReturnType<Transport['follow']> {
    let cursor = afterSequence;
    let identity: string | undefined;
    while (!signal.aborted) {
      const page = await this.read(stream, pattern, { afterSequence: cursor, limit: 100 });
      if (identity !== undefined && identity !== page.extent.identity) cursor = 0;
      else for (const message of page.messages) yield { ...message, stream: page.extent.identity };
      if (identity === page.extent.identity || identity === undefined) cursor = page.reachedSequence;
      identity = page.extent.identity;
      if (page.messages.length === 0) await pause(followMs, undefined, { signal }).catch(() => undefined);
    }
  }

  read(...asked: Parameters<Transport['read']>): ReturnType<Transport['read']> {
    return this.join('read', () => this.broker.transport.read(...asked));
  }

  extent(...asked: Parameters<Transport['extent']>): ReturnType<Transport['extent']> {
    return this.join('extent', () => this.broker.transport.extent(...asked));
  }

  backlog(...asked: Parameters<Transport['backlog']>): ReturnType<Transport['backlog']> {
    return this.join('backlog', () => this.broker.transport.backlog(...asked));
  }

  inspect(): ReturnType<Transport['inspect']> {
    return this.join('inspect', () => this.broker.transport.inspect());
  }

  health(): ReturnType<InProcessTransport['health']> {
    return this.broker.transport.health();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private ask<Result>(name: string, timeoutMs: number, execute: () => Promise<Result>): Promise<Result> {
    const { messageLoss, messageAnswerLoss } = this.world.weather;
    const losses = { loss: messageLoss, answerLoss: messageAnswerLoss };
    return this.world.call({ process: this.process, name, ...losses, execute, unanswered, timeoutMs });
  }

  /** What a connection makes sure of by itself, by saying it again. */
  private join<Result>(name: string, execute: () => Promise<Result>): Promise<Result> {
    return this.world.call({ process: this.process, name, loss: 0, answerLoss: 0, execute, unanswered, timeoutMs: 0 });
  }

  /** The bus hears of it, as something that happens to itself. */
  private whenGone(act: () => void): void {
    this.process.whenGone(() => void this.world.time.schedule(0, act, outside));
  }

  private pass(request: RawRequest, onMessage: (request: RawRequest) => void): void {
    const { world, process } = this;
    const { messageLoss, messageAnswerLoss, duplicate } = world.weather;
    const name = `${request.reply === undefined ? 'message' : 'request'} on ${request.subject}`;
    const { reply } = request;
    const arrive = (): void => {
      world.note(() => name, process);
      const answer = (raw: RawReply): void =>
        world.tell(process, `answer on ${request.subject}`, () => reply?.(raw), messageAnswerLoss);
      onMessage(reply === undefined ? request : { ...request, reply: answer });
    };
    world.deliver(process, name, arrive, messageLoss);
    if (world.happens(duplicate)) world.deliver(process, `${name}, again`, arrive);
  }

  private heldBy(message: HeldRawMessage): HeldRawMessage {
    const { world, process } = this;
    const say = (word: string, act: () => void): void =>
      world.tell(process, `${word} ${message.subject} #${message.sequence}`, act, world.weather.messageLoss);
    return {
      ...message,
      acknowledge: () => say('ack', () => message.acknowledge()),
      terminate: () => say('terminate', () => message.terminate()),
      extend: () => say('heartbeat', () => message.extend()),
      handBack: (delayMs) => say('hand back', () => message.handBack(delayMs)),
    };
  }
}
