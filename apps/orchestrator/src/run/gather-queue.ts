/** What waits for the next batch: bounded by count and by bytes, so that overload is an answer and not a growing queue. */
import { MillraceError } from '@millrace/kernel';

export interface GatherLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

export class GatherQueue<Item extends { readonly bytes: number }> {
  private items: Item[] = [];
  private bytes = 0;

  constructor(private readonly limits: GatherLimits) {}

  get size(): number {
    return this.items.length;
  }

  /** @throws MillraceError `orchestrator_overloaded` (retryable) when the item does not fit; an item alone always fits. */
  add(item: Item): void {
    const full =
      this.items.length >= this.limits.maxItems ||
      (this.items.length > 0 && this.bytes + item.bytes > this.limits.maxBytes);
    if (full) {
      throw new MillraceError('overloaded', 'orchestrator_overloaded', 'Too much work is waiting to be stored.', {
        retryAfterSeconds: 1,
      });
    }
    this.items.push(item);
    this.bytes += item.bytes;
  }

  /** Takes the oldest items that fit into one batch, at least one if there is any. */
  take(limits: GatherLimits): Item[] {
    let count = 0;
    let bytes = 0;
    for (const item of this.items) {
      if (count >= limits.maxItems || (count > 0 && bytes + item.bytes > limits.maxBytes)) break;
      count += 1;
      bytes += item.bytes;
    }
    this.bytes -= bytes;
    return this.items.splice(0, count);
  }
}
