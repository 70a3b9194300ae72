/** Shows passing messages to a handler, in the order of their subject, though large payloads must be fetched first. */
import type { IncomingMessage, Subscription } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { unpack } from '../claim-check/claim-check.js';
import { InOrder } from '../consuming/in-order.js';
import type { ReportProblem } from '../problem.js';
import type { Listener, RawMessage, Transport } from '../transport.js';
import { incomingMessage } from '../wire/envelope.js';

export type SubscriptionHandler = (message: IncomingMessage) => void;

export class Subscriber implements Subscription {
  private readonly inOrder = new InOrder();
  private stopped = false;
  private listener: Listener | undefined;

  private constructor(
    private readonly blobs: BlobStore | undefined,
    private readonly report: ReportProblem,
    private readonly handler: SubscriptionHandler,
  ) {}

  static async start(
    platform: { readonly transport: Transport; readonly blobs?: BlobStore; readonly report: ReportProblem },
    pattern: string,
    handler: SubscriptionHandler,
  ): Promise<Subscriber> {
    const subscriber = new Subscriber(platform.blobs, platform.report, handler);
    subscriber.listener = await platform.transport.listen(pattern, undefined, (raw) => subscriber.receive(raw));
    return subscriber;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.listener?.stop();
  }

  private receive(raw: RawMessage): void {
    let message: IncomingMessage | undefined;
    const read = (payload: Uint8Array): void => {
      message = incomingMessage(raw, payload);
    };
    const skip = (cause: unknown): void =>
      this.report({ code: 'message_skipped', message: 'It cannot be read.', subject: raw.subject, cause });
    this.inOrder.start(
      raw.subject,
      () => unpack(this.blobs, raw, read, skip),
      () => {
        if (message !== undefined && !this.stopped) this.call(message);
      },
    );
  }

  private call(message: IncomingMessage): void {
    try {
      this.handler(message);
    } catch (cause) {
      this.report({ code: 'handler_failed', message: 'A subscriber threw.', subject: message.subject, cause });
    }
  }
}
