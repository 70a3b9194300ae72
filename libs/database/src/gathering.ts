/**
 * Gathers what many callers want of one statement: whatever is handed in while a statement is on its way goes with the
 * next one. Alone a caller waits for nobody.
 *
 * 1. Every item is answered once, by its place in the batch.
 * 2. A batch that fails for good is tried item by item, so that what is wrong with one fails that one alone.
 */
import { MillraceError } from '@millrace/kernel';
import { inSharedSpans, outsideTraces, recordedSpan, type Span } from '@millrace/telemetry';

interface Waiting<Item, Answer> {
  readonly item: Item;
  /** The request that it is for, where its trace is recorded: the statement is linked to all of them. */
  readonly span: Span | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const maxItems = 500;

export class Gathering<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private isWorking = false;

  /** `settle` gives an answer for each item, in their order. */
  constructor(private readonly settle: (items: readonly Item[]) => Promise<readonly Answer[]>) {}

  /** Hands in an item. @throws what `settle` throws for it */
  submit(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, span: recordedSpan(), resolve, reject });
      if (!this.isWorking) void outsideTraces(() => this.workOff());
    });
  }

  private async workOff(): Promise<void> {
    this.isWorking = true;
    // One turn of the event loop, so that everything that has arrived already shares the statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) await this.settleBatch(this.waiting.splice(0, maxItems));
    this.isWorking = false;
  }

  private async settleBatch(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await inSharedSpans(
        batch.map(({ span }) => span),
        () => this.settle(batch.map(({ item }) => item)),
      );
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      const mayPass = error instanceof MillraceError && error.retryable;
      if (batch.length > 1 && !mayPass) for (const each of batch) await this.settleBatch([each]);
      else for (const { reject } of batch) reject(error);
    }
  }
}
