/**
 * Sends results together: those that become ready in one turn of the event loop, of one tenant, for one replica of the orchestrator, in
 * one request. A message costs the same whatever is in it, here, at the server and at the replica.
 *
 * 1. Each result has its own verdict; one that fails does not fail its neighbours.
 * 2. Nothing is tried again here: what has no verdict goes to its partition, by itself, until somebody replies.
 * 3. A large result goes by itself from the beginning, so that what travels together stays small.
 * 4. A replica that is gone is not asked again: its name was that of one life of a process.
 */
import {
  envelopeOf,
  mostResultsTogether,
  taskResults,
  type MessageContext,
  type ResultTogether,
  type TaskResultReply,
} from '@millrace/contracts';
import { MillraceError, roughSize, toMillraceError } from '@millrace/kernel';
import type { MessageBus } from '@millrace/messaging';
import { outsideTraces } from '@millrace/telemetry';

const replyTimeoutMs = 10_000;
const largestBytes = 16 * 1024;
const largestBytesTogether = 128 * 1024;
/** Of replicas that are gone. Tasks that they published may wait in a queue for long, but few replicas end meanwhile. */
const mostGone = 64;

interface Sent {
  readonly result: ResultTogether;
  readonly resolve: (reply: TaskResultReply) => void;
  readonly reject: (error: MillraceError) => void;
}

interface Parcel {
  readonly to: string;
  /** Of the first of them. */
  readonly context: MessageContext;
  readonly sent: Sent[];
  bytes: number;
}

export class ResultCourier {
  private open: Parcel[] = [];
  private leaving: NodeJS.Immediate | undefined;
  private gone: string[] = [];

  constructor(private readonly bus: Pick<MessageBus, 'request'>) {}

  /**
   * Sends a result with the others of this turn, or gives undefined where it must go by itself. `onLetGo` is given what ends the
   * waiting.
   * @throws MillraceError of its verdict, or of the request that it travelled in
   */
  send(
    to: string,
    context: MessageContext,
    result: ResultTogether,
    onLetGo: (giveUp: (reason: MillraceError) => void) => void,
  ): Promise<TaskResultReply> | undefined {
    const bytes = roughSize(result.outcome, largestBytes);
    if (bytes >= largestBytes || this.gone.includes(to)) return undefined;
    return new Promise((resolve, reject) => {
      onLetGo(reject);
      const parcel = this.parcelFor(to, context);
      parcel.sent.push({ result, resolve, reject });
      parcel.bytes += bytes;
      this.leaving ??= setImmediate(() => this.leave());
    });
  }

  private parcelFor(to: string, context: MessageContext): Parcel {
    const fitting = this.open.find(
      (parcel) =>
        parcel.to === to &&
        parcel.context.tenantId === context.tenantId &&
        parcel.sent.length < mostResultsTogether &&
        parcel.bytes < largestBytesTogether,
    );
    if (fitting !== undefined) return fitting;
    const parcel: Parcel = { to, context, sent: [], bytes: 0 };
    this.open.push(parcel);
    return parcel;
  }

  private leave(): void {
    this.leaving = undefined;
    const { open } = this;
    this.open = [];
    for (const parcel of open) void outsideTraces(() => this.deliver(parcel));
  }

  private async deliver({ to, context, sent }: Parcel): Promise<void> {
    try {
      const results = sent.map(({ result }) => result);
      const envelope = envelopeOf(taskResults, context, { results });
      const reply = await this.bus.request({ subject: to, envelope }, { timeoutMs: replyTimeoutMs });
      const { verdicts } = taskResults.response.parse(reply);
      for (const [index, { resolve, reject }] of sent.entries()) {
        const verdict = verdicts[index];
        if (verdict === undefined) reject(missing());
        else if ('error' in verdict) reject(MillraceError.fromShape(verdict.error));
        else resolve(verdict);
      }
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.code === 'no_responders') this.gone = [to, ...this.gone].slice(0, mostGone);
      for (const { reject } of sent) reject(error);
    }
  }
}

const missing = (): MillraceError =>
  new MillraceError('unavailable', 'verdict_missing', 'The reply says nothing of this result.');
