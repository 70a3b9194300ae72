import { eventSubject, runCancelledEvent } from '@millrace/contracts';
import type { IncomingMessage, MessageBus, Subscription } from '@millrace/messaging';

const remembered = 10_000;

/**
 * Hears of cancelled runs. A cancelled run never lives again, so the newest of them are remembered: their tasks that
 * still wait in the queue need not be worked on.
 */
export class CancelledRuns {
  private readonly runs = new Set<string>();

  private constructor(private readonly onCancelled: (tenantId: string, runId: string) => void) {}

  static async listen(
    bus: MessageBus,
    /** Whose runs are heard of: those of one tenant, or `*`. */
    tenant: string,
    onCancelled: (tenantId: string, runId: string) => void,
  ): Promise<{ cancelled: CancelledRuns; subscription: Subscription }> {
    const cancelled = new CancelledRuns(onCancelled);
    const subject = eventSubject(runCancelledEvent, tenant);
    return { cancelled, subscription: await bus.subscribe(subject, (message) => cancelled.hear(message)) };
  }

  has(tenantId: string, runId: string): boolean {
    return this.runs.has(`${tenantId}/${runId}`);
  }

  private hear({ envelope }: IncomingMessage): void {
    const parsed = runCancelledEvent.data.safeParse(envelope.data);
    if (!parsed.success) return;
    const { runId } = parsed.data;
    this.runs.add(`${envelope.tenantId}/${runId}`);
    if (this.runs.size > remembered) this.forgetOldest();
    this.onCancelled(envelope.tenantId, runId);
  }

  private forgetOldest(): void {
    for (const oldest of this.runs) {
      this.runs.delete(oldest);
      return;
    }
  }
}
