/**
 * How far publishing has got. Nothing is written per message: what must be published follows from the runs' events, so one
 * moment per partition says enough (`partition_lease.published_until`), and whoever takes a partition over publishes
 * from there again.
 *
 * 1. A batch is open from before its commit until its last message is stored by the bus.
 * 2. A partition in debt (just taken over, a failed publish, a commit of unknown outcome) stays in debt until somebody has published from the
 *    moment of the debt on.
 * 3. What waits for its turn is held: it is no delay of publishing, but whoever takes its partition over is to publish it.
 * 4. `publishedUntil` is never later than an open batch, a debt or something held of the partition.
 */
export interface Debt {
  /** Events decided at or after this moment may be unpublished. */
  readonly since: Date;
  /** Whether every outstanding task is owed, or only those scheduled since. */
  readonly tasks: 'all' | 'since';
}

export interface OpenBatch {
  close(): void;
}

export class PublicationLedger {
  private readonly open = new Set<{ readonly at: Date; readonly partitions: ReadonlySet<number> }>();
  private readonly held = new Set<{ readonly at: Date; readonly partition: number }>();
  private readonly debts = new Map<number, Debt>();

  /** Opens a batch whose events are decided at `at`. */
  openBatch(at: Date, partitions: ReadonlySet<number>): OpenBatch {
    const batch = { at, partitions };
    this.open.add(batch);
    return { close: () => void this.open.delete(batch) };
  }

  /** Something decided at `at` waits for its turn. @returns what says that it does no more */
  hold(partition: number, at: Date): () => void {
    const entry = { at, partition };
    this.held.add(entry);
    return () => void this.held.delete(entry);
  }

  /** Takes on a debt; an older one of the partition keeps its earlier moment and its wider scope. */
  owe(partition: number, debt: Debt): void {
    const before = this.debts.get(partition);
    if (before === undefined) this.debts.set(partition, debt);
    else {
      this.debts.set(partition, {
        since: before.since < debt.since ? before.since : debt.since,
        tasks: before.tasks === 'all' ? 'all' : debt.tasks,
      });
    }
  }

  /** The debts as they are; pass one to `settle` when it is paid. */
  owed(): ReadonlyMap<number, Debt> {
    return new Map(this.debts);
  }

  /** Strikes a paid debt, unless it has grown meanwhile. */
  settle(partition: number, paid: Debt): void {
    if (this.debts.get(partition) === paid) this.debts.delete(partition);
  }

  /** Forgets a partition that another replica owns now: its debts are that one's, by the cursor in the lease. */
  forget(partition: number): void {
    this.debts.delete(partition);
  }

  /** The moment from which on something may be unpublished, over all partitions; undefined where nothing is. */
  behindSince(): Date | undefined {
    const moments = [...this.open].map(({ at }) => at).concat([...this.debts.values()].map(({ since }) => since));
    return moments.reduce<Date | undefined>(
      (oldest, at) => (oldest === undefined || at < oldest ? at : oldest),
      undefined,
    );
  }

  /** Whether no batch of the partition waits to be published. */
  isQuiet(partition: number): boolean {
    return ![...this.open].some((batch) => batch.partitions.has(partition));
  }

  /** Whatever was decided before this moment has been published, for one partition. */
  publishedUntil(partition: number, now: Date): Date {
    let until = this.debts.get(partition)?.since ?? now;
    for (const batch of this.open) {
      if (batch.partitions.has(partition) && batch.at < until) until = batch.at;
    }
    for (const { at, partition: holder } of this.held) if (holder === partition && at < until) until = at;
    return until < now ? until : now;
  }
}
