/**
 * One consumer of stored messages in this process.
 *
 * 1. At most `slots` deliveries are worked on; the transport is never asked for more than the free ones. Those whose work is done and
 *    that only wait to be settled are bounded too, so that what cannot be answered ends in taking nothing more.
 * 2. Handlers of one subject start in the order of arrival, also when some payload must be fetched first.
 * 3. A message is settled once, and only while it is held.
 * 4. A message is terminated only after its dead letter is stored.
 */
import type { Envelope } from '@millrace/contracts';
import { InFlight, MillraceError, toMillraceError, type ErrorShape } from '@millrace/kernel';
import type { Span } from '@millrace/telemetry';
import type { ConsumerOptions, Delivery, DeliveryOutcome, Subscription } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { pack, unpack } from '../claim-check/claim-check.js';
import { deliveryMeter, monotonicNow, ProcessingMeter } from '../metering.js';
import type { ReportProblem } from '../problem.js';
import type { StreamDefinition } from '../topology.js';
import { requireStream } from '../topology.js';
import { inDeadLetterSpan, inDeliverySpan, noteOutcome } from '../tracing/message-spans.js';
import type { HeldRawMessage, Pull, Transport } from '../transport.js';
import { decodeEnvelope } from '../wire/envelope.js';
import { deadLetterOf } from './dead-letter.js';
import { HeldDelivery } from './held-delivery.js';
import { InOrder } from './in-order.js';
import { deliveriesExhausted, outcomeOfThrown, settlementOf } from './settlement.js';
import { WorkInProgress } from './work-in-progress.js';

export type DeliveryHandler = (delivery: Delivery) => Promise<DeliveryOutcome>;

/** How many deliveries may be done and not settled, for each slot. */
const unsettledPerSlot = 3;
const deadLetterTimeoutMs = 10_000;
const deadLetterRetryMs = 2_000;

export class Consumer implements Subscription {
  private readonly held = new InFlight<HeldDelivery>();
  private readonly inOrder = new InOrder();
  private readonly work = new WorkInProgress();
  private readonly meter: ProcessingMeter;
  private readonly deliveries: ReturnType<typeof deliveryMeter>;
  private stopping = false;
  /** How many of those that are held are done. */
  private done = 0;
  private pull: Pull | undefined;

  private constructor(
    private readonly transport: Transport,
    private readonly blobs: BlobStore | undefined,
    private readonly report: ReportProblem,
    private readonly options: ConsumerOptions & { readonly stream: StreamDefinition },
    private readonly handler: DeliveryHandler,
  ) {
    this.meter = new ProcessingMeter('consume', options.subject);
    this.deliveries = deliveryMeter(options.durableName);
  }

  static async start(
    platform: { readonly transport: Transport; readonly blobs?: BlobStore; readonly report: ReportProblem },
    options: ConsumerOptions,
    handler: DeliveryHandler,
  ): Promise<Consumer> {
    checkOptions(options);
    const stream = requireStream(options.subject);
    const { transport, blobs, report } = platform;
    const consumer = new Consumer(transport, blobs, report, { ...options, stream }, handler);
    consumer.pull = await transport.pull({
      stream,
      durableName: options.durableName,
      subject: options.subject,
      ackWaitMs: options.ackWaitMs,
      slots: options.slots,
      demand: () => consumer.demand(),
      onMessage: (message) => consumer.receive(message),
    });
    return consumer;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.pull?.stop();
    await this.work.idle();
  }

  /** Takes what is still held away from its handlers, so that another replica gets it at once. */
  handBackAll(reason: MillraceError): void {
    this.deliveries['handed-back'].add(this.held.size);
    for (const delivery of this.held) delivery.handBack(reason);
  }

  private demand(): number {
    if (this.stopping) return 0;
    const { slots } = this.options;
    const working = this.held.size - this.done;
    return Math.min(slots - working, (1 + unsettledPerSlot) * slots - this.held.size);
  }

  private receive(message: HeldRawMessage): void {
    if (this.stopping) {
      message.handBack(0);
      return;
    }
    this.work.begin();
    const delivery = new HeldDelivery(
      message,
      this.options.ackWaitMs,
      (how) => this.release(delivery, how),
      () => {
        this.done += 1;
        this.pull?.wake();
      },
    );
    delivery.place = this.held.add(delivery);
    if (message.deliveryCount > 1) this.deliveries.redelivered.add(1);
    let envelope: Envelope | undefined;
    let failure: unknown;
    const read = (payload: Uint8Array): void => {
      envelope = decodeEnvelope(payload);
    };
    const fail = (error: unknown): void => {
      failure = error;
    };
    this.inOrder.start(
      message.subject,
      () => unpack(this.blobs, message, read, fail),
      () => void this.traced(delivery, envelope, failure),
    );
  }

  private traced(delivery: HeldDelivery, envelope: Envelope | undefined, failure: unknown): Promise<void> {
    const { headers, deliveryCount, sequence, subject } = delivery.message;
    const { durableName } = this.options;
    const { system } = this.transport;
    return inDeliverySpan({ system, subject, durableName, headers, deliveryCount, sequence, envelope }, (span) =>
      envelope === undefined ? this.refuse(delivery, failure, span) : this.handle(delivery, envelope, span),
    );
  }

  private release(delivery: HeldDelivery, how: 'settled' | 'lost'): void {
    if (!this.held.remove(delivery.place, delivery)) return;
    if (delivery.isWorkDone) this.done -= 1;
    if (how === 'lost') this.deliveries.lost.add(1);
    this.work.end();
    this.pull?.wake();
  }

  private async handle(delivery: HeldDelivery, envelope: Envelope, span: Span | undefined): Promise<void> {
    if (!delivery.isHeld) return;
    if (delivery.deliveryCount > this.options.maxDeliveries) {
      // Its last handler died without a word. Running it again might kill this process too.
      return this.settle(
        delivery,
        { kind: 'dead-letter', error: deliveriesExhausted(this.options.maxDeliveries) },
        span,
      );
    }
    delivery.open(envelope);
    const beganAt = monotonicNow();
    let outcome: DeliveryOutcome;
    try {
      outcome = await this.handler(delivery);
    } catch (error) {
      this.reportThrown(delivery, error);
      outcome = outcomeOfThrown(error, delivery.deliveryCount);
    }
    this.meter.processed(beganAt, outcome.kind === 'ack' ? '' : (outcome.error?.kind ?? ''));
    return this.settle(delivery, outcome, span);
  }

  private refuse(delivery: HeldDelivery, failure: unknown, span: Span | undefined): Promise<void> {
    const error = toMillraceError(failure);
    const outcome: DeliveryOutcome = error.retryable
      ? outcomeOfThrown(error, delivery.deliveryCount)
      : { kind: 'dead-letter', error: error.toShape() };
    return this.settle(delivery, outcome, span);
  }

  private async settle(delivery: HeldDelivery, outcome: DeliveryOutcome, span: Span | undefined): Promise<void> {
    noteOutcome(span, outcome);
    const settlement = settlementOf(outcome, delivery.deliveryCount, this.options.maxDeliveries);
    if (settlement.kind === 'bury') return this.bury(delivery, settlement.error);
    if (settlement.kind === 'acknowledge') this.settleAs('acknowledged', delivery, (held) => held.acknowledge());
    else this.settleAs('handed-back', delivery, (held) => held.handBack(settlement.delayMs));
  }

  private settleAs(
    outcome: 'acknowledged' | 'handed-back' | 'dead-letter',
    delivery: HeldDelivery,
    how: (message: HeldRawMessage) => void,
  ): void {
    if (delivery.isHeld) this.deliveries[outcome].add(1);
    delivery.settle(how);
  }

  private async bury(delivery: HeldDelivery, error: ErrorShape): Promise<void> {
    if (!delivery.isHeld) return;
    const { subject } = delivery;
    this.report({ code: 'dead_letter', message: `${error.code}: ${error.message}`, subject });
    // A dead letter that its reader cannot process stays where it is: that stream does not forget on termination.
    if (this.options.stream.name !== 'DEAD_LETTERS') {
      try {
        await this.storeDeadLetter(delivery, error);
      } catch (cause) {
        this.report({ code: 'dead_letter_not_stored', message: 'Kept in its queue for now.', subject, cause });
        this.settleAs('handed-back', delivery, (message) => message.handBack(deadLetterRetryMs));
        return;
      }
    }
    this.meter.buried(error.code);
    this.settleAs('dead-letter', delivery, (message) => message.terminate());
  }

  private async storeDeadLetter(delivery: HeldDelivery, error: ErrorShape): Promise<void> {
    const { durableName, stream } = this.options;
    const letter = deadLetterOf({ held: delivery.message, error, stream: stream.name, durableName });
    const parcel = await pack(this.blobs, letter.payload, letter.headers);
    const message = { ...letter, payload: parcel.payload, headers: parcel.headers };
    await inDeadLetterSpan(this.transport.system, letter.subject, () =>
      this.transport.store(requireStream(letter.subject), message, deadLetterTimeoutMs),
    );
  }

  private reportThrown(delivery: HeldDelivery, cause: unknown): void {
    if (cause instanceof MillraceError) return;
    this.report({ code: 'handler_failed', message: 'A handler threw.', subject: delivery.subject, cause });
  }
}

function checkOptions({ durableName, slots, ackWaitMs, maxDeliveries }: ConsumerOptions): void {
  const wrong =
    (!/^[A-Za-z0-9_=-]{1,140}$/.test(durableName) && 'durableName must be 1 to 140 letters, digits, -, _ or =') ||
    (!(Number.isInteger(slots) && slots >= 1 && slots <= 10_000) && 'slots must be 1 to 10000') ||
    (!(ackWaitMs >= 100 && ackWaitMs <= 24 * 60 * 60_000) && 'ackWaitMs must be 100 to 86400000') ||
    (!(Number.isInteger(maxDeliveries) && maxDeliveries >= 1) && 'maxDeliveries must be at least 1');
  if (wrong !== false) throw new MillraceError('invalid', 'invalid_consumer', `The consumer cannot start: ${wrong}.`);
}
