/** Listens for what concerns the owned partitions: results of workers, commands that reached another replica, who follows runs, and beats of workers. */
import {
  customResultSubjects,
  liveBeatsSubject,
  liveFollowedSubject,
  mailboxSubject,
  resultSubject,
} from '@millrace/contracts';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';

export interface PartitionHandlers {
  readonly onResult: (message: IncomingMessage) => Promise<unknown>;
  /** Of a program that a tenant runs itself. */
  readonly onCustomResult: (message: IncomingMessage) => Promise<unknown>;
  readonly onDelivery: (message: IncomingMessage) => Promise<unknown>;
  readonly onFollowed: (message: IncomingMessage) => void;
  readonly onBeat: (message: IncomingMessage) => void;
}

export class PartitionInbox {
  private readonly subscriptions = new Map<number, readonly Subscription[]>();

  constructor(
    private readonly bus: MessageBus,
    private readonly handlers: PartitionHandlers,
    private readonly maxInFlight: number,
  ) {}

  /** Begins to listen for a partition; does nothing where it listens already. */
  async open(partition: number): Promise<void> {
    if (this.subscriptions.has(partition)) return;
    const options = { queue: 'orchestrator', maxInFlight: this.maxInFlight };
    const { onResult, onCustomResult, onDelivery, onFollowed, onBeat } = this.handlers;
    const results = await this.bus.respond(resultSubject(partition), options, onResult);
    const customResults = await this.bus.respond(customResultSubjects(partition), options, onCustomResult);
    const deliveries = await this.bus.respond(mailboxSubject(partition), options, onDelivery);
    const followed = await this.bus.subscribe(liveFollowedSubject(partition), onFollowed);
    const beats = await this.bus.subscribe(liveBeatsSubject(partition), onBeat);
    this.subscriptions.set(partition, [results, customResults, deliveries, followed, beats]);
  }

  /** Takes nothing new for a partition, and resolves when what was taken is answered. */
  async close(partition: number): Promise<void> {
    const subscriptions = this.subscriptions.get(partition) ?? [];
    this.subscriptions.delete(partition);
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  }
}
