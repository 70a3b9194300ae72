import { envelopeOf, liveTokensSubject, type LiveToken, type MessageContext } from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';

/** Beyond this many characters that the bus has not taken yet, live text is dropped: the result has all of it anyway. */
const longestBacklog = 1_000_000;
const contract = { name: 'run.token', version: 1 };

export interface LiveTokensOptions {
  readonly bus: MessageBus;
  readonly runId: string;
  readonly node: string;
  readonly attempt: number;
  readonly context: MessageContext;
  readonly onError: (error: unknown) => void;
}

/**
 * Publishes the text of one attempt in order, one message at a time: what is emitted in the meantime goes with the
 * next one. The first failure ends it, so that a reader never sees text with a hole in it.
 */
export class LiveTokens {
  private backlog = '';
  private publishing: Promise<void> | undefined;
  private failed = false;

  constructor(private readonly options: LiveTokensOptions) {}

  emit(text: string): void {
    if (this.failed || text === '') return;
    this.backlog += text;
    if (this.backlog.length > longestBacklog) this.fail(new Error('Live text came faster than the bus could take it.'));
    this.publishing ??= this.publishAll();
  }

  /** Resolves when everything emitted so far is published, or after `timeoutMs`. Never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    if (this.publishing === undefined) return;
    const { promise: timedOut, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([this.publishing, timedOut]);
    clearTimeout(timer);
  }

  private async publishAll(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.backlog !== '') {
      const text = this.backlog;
      this.backlog = '';
      await this.publish(text).catch((error: unknown) => this.fail(error));
    }
    this.publishing = undefined;
  }

  private async publish(text: string): Promise<void> {
    const { bus, runId, node, attempt, context } = this.options;
    const data: LiveToken = { node, attempt, text };
    await bus.publish({ subject: liveTokensSubject(runId), envelope: envelopeOf(contract, context, data) });
  }

  private fail(error: unknown): void {
    this.failed = true;
    this.backlog = '';
    this.options.onError(error);
  }
}
