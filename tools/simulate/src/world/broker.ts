/** The bus's own process: it may lose all that it holds, and its clients then listen and pull anew, as their connections do. */
import {
  InProcessTransport,
  topology,
  type HeldRawMessage,
  type Listener,
  type Pull,
  type PullOptions,
  type RawRequest,
  type Transport,
} from '@millrace/messaging';
import type { VirtualTime } from '../time/virtual-time.js';

type Store = Parameters<Transport['store']>;

interface Joined<End> {
  end: End;
  readonly again: () => Promise<End>;
}

/**
 * What may differ when a message is published again: when it is said to have occurred, which the commit that made it due or its event
 * may tell, and the replica that takes results of its task together.
 */
const tellings = /"occurredAt":"[^"]*"|,"togetherTo":"[^"]*"/g;

export class Broker {
  transport: InProcessTransport;
  wiped = false;
  /** By message id: the payload as it was first published. */
  readonly published = new Map<string, string>();
  /** Ids that were published again with another payload. */
  readonly changed: string[] = [];
  private readonly joined = new Set<Joined<Listener | Pull>>();

  constructor(
    private readonly time: VirtualTime,
    /** Hears the payload of every task that is acknowledged. */
    private readonly onAcknowledged: (payload: string) => void,
  ) {
    this.transport = this.newTransport();
  }

  async store(stream: Store[0], message: Store[1]): Promise<{ sequence: number; duplicate: boolean }> {
    const payload = new TextDecoder().decode(message.payload).replaceAll(tellings, '');
    const before = this.published.get(message.messageId);
    if (before !== undefined && before !== payload) this.changed.push(message.messageId);
    if (before === undefined) this.published.set(message.messageId, payload);
    return this.transport.store(stream, message, 0);
  }

  async listen(
    pattern: string,
    queue: string | undefined,
    onMessage: (request: RawRequest) => void,
  ): Promise<Listener> {
    return this.join<Listener>(() => this.transport.listen(pattern, queue, onMessage));
  }

  async pull(options: PullOptions): Promise<Pull> {
    const onMessage = (message: HeldRawMessage): void => {
      const acknowledge = (): void => {
        this.onAcknowledged(new TextDecoder().decode(message.payload));
        message.acknowledge();
      };
      options.onMessage({ ...message, acknowledge });
    };
    const joined = await this.joinAs<Pull>(() => this.transport.pull({ ...options, onMessage }));
    return { wake: () => joined.end.wake(), stop: () => this.leave(joined) };
  }

  /** Begins anew with nothing stored. */
  async wipe(): Promise<void> {
    this.wiped = true;
    await this.transport.close();
    this.transport = this.newTransport();
    for (const joined of this.joined) joined.end = await joined.again();
  }

  private newTransport(): InProcessTransport {
    return new InProcessTransport(topology, { now: () => new Date(this.time.now) }, () => undefined);
  }

  private async join<End extends Listener>(again: () => Promise<End>): Promise<Listener> {
    const joined = await this.joinAs(again);
    return { stop: () => this.leave(joined) };
  }

  private async joinAs<End extends Listener | Pull>(again: () => Promise<End>): Promise<Joined<End>> {
    const joined: Joined<End> = { end: await again(), again };
    this.joined.add(joined);
    return joined;
  }

  private async leave(joined: Joined<Listener | Pull>): Promise<void> {
    this.joined.delete(joined);
    await joined.end.stop();
  }
}
