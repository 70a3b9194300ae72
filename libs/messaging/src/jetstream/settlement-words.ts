/**
 * What is said about deliveries: acks and their like. A word names a position in the stream, and on a server whose store was
 * wiped that position is another message's, perhaps of another consumer: an ack would delete it unseen.
 *
 * 1. Nothing is said about a delivery of a consumer that has been made anew since.
 * 2. From a lost connection until the consumer was looked at again nobody knows, so words wait.
 */
export class SettlementWords {
  /** When the consumer was made, as the server says: it tells one making from the next. */
  private madeAt: string;
  private doubts = 0;
  private isSure = true;
  private waiting: { readonly madeAt: string; readonly say: () => void }[] = [];

  constructor(madeAt: string) {
    this.madeAt = madeAt;
  }

  /** Whether the consumer is surely the one that was looked at. */
  get areSure(): boolean {
    return this.isSure;
  }

  /** For a delivery that comes now: gives how to say something about it. */
  ofDelivery(): (say: () => void) => void {
    const { madeAt } = this;
    return (say) => {
      if (madeAt !== this.madeAt) return;
      if (this.isSure) say();
      else this.waiting.push({ madeAt, say });
    };
  }

  /** The connection is lost: what is behind the next one may be another server or an empty one. */
  doubt(): void {
    this.isSure = false;
    this.doubts += 1;
  }

  /** Begins to look at the consumer; gives how to tell what was seen, which counts unless the connection was lost meanwhile. */
  look(): (madeAt: string) => void {
    const { doubts } = this;
    return (madeAt) => {
      if (doubts !== this.doubts) return;
      this.madeAt = madeAt;
      this.isSure = true;
      const waiting = this.waiting.filter((word) => word.madeAt === madeAt);
      this.waiting = [];
      for (const { say } of waiting) say();
    };
  }
}
