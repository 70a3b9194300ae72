/** Answers requests, a bounded number at once; beyond that the caller hears `overloaded` immediately. */
import { InFlight, MillraceError, toMillraceError } from '@millrace/kernel';
import type { IncomingMessage, ResponderOptions, Subscription } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { pack, payloadOf } from '../claim-check/claim-check.js';
import { WorkInProgress } from '../consuming/work-in-progress.js';
import { overloadRefusals } from '@millrace/telemetry';
import { monotonicNow, ProcessingMeter } from '../metering.js';
import type { ReportProblem } from '../problem.js';
import { inResponseSpan } from '../tracing/message-spans.js';
import type { Listener, RawReply, RawRequest, Transport } from '../transport.js';
import { incomingMessage } from '../wire/envelope.js';
import { noHeaders } from '../wire/headers.js';
import { encodeAnswer, encodeFailure } from '../wire/reply.js';

export type RequestHandler = (message: IncomingMessage) => Promise<unknown>;

const retryAfterSeconds = 1;
const refusals = overloadRefusals.at({ 'millrace.queue': 'responder' });

interface Unanswered {
  readonly request: RawRequest;
  place: number;
}

export class Responder implements Subscription {
  private readonly work = new WorkInProgress();
  private readonly unanswered = new InFlight<Unanswered>();
  private stopping = false;
  private listener: Listener | undefined;

  private constructor(
    private readonly system: string,
    private readonly blobs: BlobStore | undefined,
    private readonly report: ReportProblem,
    private readonly maxInFlight: number,
    private readonly handler: RequestHandler,
    private readonly meter: ProcessingMeter,
  ) {}

  static async start(
    platform: { readonly transport: Transport; readonly blobs?: BlobStore; readonly report: ReportProblem },
    subject: string,
    options: ResponderOptions,
    handler: RequestHandler,
  ): Promise<Responder> {
    if (!(Number.isInteger(options.maxInFlight) && options.maxInFlight >= 1)) {
      throw new MillraceError('invalid', 'invalid_responder', 'maxInFlight must be a whole number of at least 1.');
    }
    const responder = new Responder(
      platform.transport.system,
      platform.blobs,
      platform.report,
      options.maxInFlight,
      handler,
      new ProcessingMeter('respond', subject),
    );
    responder.listener = await platform.transport.listen(subject, options.queue, (request) =>
      responder.receive(request),
    );
    return responder;
  }

  async stop(): Promise<void> {
    await this.listener?.stop();
    this.stopping = true;
    await this.work.idle();
  }

  /** Tells the callers that are still waiting to ask another replica. */
  refuseUnanswered(reason: MillraceError): void {
    for (const waiting of this.unanswered) this.answer(waiting, { payload: encodeFailure(reason), headers: noHeaders });
  }

  private receive(request: RawRequest): void {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      request.reply?.({ payload: encodeFailure(refusal), headers: noHeaders });
      return;
    }
    this.work.begin();
    const waiting: Unanswered = { request, place: -1 };
    waiting.place = this.unanswered.add(waiting);
    void this.handle(request).then((reply) => {
      this.answer(waiting, reply);
      this.work.end();
    });
  }

  private refusal(): MillraceError | undefined {
    if (this.stopping)
      return new MillraceError('unavailable', 'service_stopping', 'This replica is stopping; try again.');
    if (this.work.count < this.maxInFlight) return undefined;
    refusals.add(1);
    return new MillraceError('overloaded', 'overloaded', 'Too many requests at once.', { retryAfterSeconds });
  }

  private answer(waiting: Unanswered, reply: RawReply): void {
    if (this.unanswered.remove(waiting.place, waiting)) waiting.request.reply?.(reply);
  }

  private async handle(request: RawRequest): Promise<RawReply> {
    const beganAt = monotonicNow();
    try {
      const message = await this.open(request);
      const data = await inResponseSpan(this.system, message, () => this.handler(message));
      const reply = await pack(this.blobs, encodeAnswer(data));
      this.meter.processed(beganAt, '');
      return reply;
    } catch (thrown) {
      const error = toMillraceError(thrown);
      this.meter.processed(beganAt, error.kind);
      if (error !== thrown) {
        const { subject } = request;
        this.report({ code: 'handler_failed', message: 'A handler threw.', subject, cause: thrown });
      }
      return { payload: encodeFailure(error), headers: noHeaders };
    }
  }

  private async open(request: RawRequest): Promise<IncomingMessage> {
    return incomingMessage(request, await payloadOf(this.blobs, request));
  }
}
