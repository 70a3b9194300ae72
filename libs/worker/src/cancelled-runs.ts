import { eventSubject, runCancelledEvent } from '@millrace/contracts';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';

const remembered = 10_000;

/** A run up to a generation: 0 before it was ever retried. */
export interface CancelledRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly generation: number;
}

/**
 * Hears of cancelled runs. The newest of them are remembered: their tasks that still wait in the queue need not be worked on.
 * A run that is retried lives again, so a cancellation is of the generations of the run up to one.
 */
export class CancelledRuns {
  /** By run: the generation that was cancelled. */
  private readonly runs = new Map<string, number>();

  private constructor(private readonly onCancelled: (run: CancelledRun) => void) {}

  static async listen(
    bus: MessageBus,
    /** Whose runs are heard of: those of one tenant, or `*`. */
    tenant: string,
    onCancelled: (run: CancelledRun) => void,
  ): Promise<{ cancelled: CancelledRuns; subscription: Subscription }> {
    const cancelled = new CancelledRuns(onCancelled);
    const subject = eventSubject(runCancelledEvent, tenant);
    return { cancelled, subscription: await bus.subscribe(subject, (message) => cancelled.hear(message)) };
  }

  /** Whether a task of a generation of a run is to be let go. */
  has({ tenantId, runId, generation }: CancelledRun): boolean {
    const cancelled = this.runs.get(`${tenantId}/${runId}`);
    return cancelled !== undefined && generation <= cancelled;
  }

  private hear({ envelope }: IncomingMessage): void {
    const parsed = runCancelledEvent.data.safeParse(envelope.data);
    if (!parsed.success) return;
    const { runId, generation = 0 } = parsed.data;
    const { tenantId } = envelope;
    const key = `${tenantId}/${runId}`;
    this.runs.set(key, Math.max(generation, this.runs.get(key) ?? 0));
    if (this.runs.size > remembered) this.forgetOldest();
    this.onCancelled({ tenantId, runId, generation });
  }

  private forgetOldest(): void {
    for (const oldest of this.runs.keys()) {
      this.runs.delete(oldest);
      return;
    }
  }
}
