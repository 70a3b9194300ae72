/**
 * The SQL of the leases. Time is the database's, so replicas need not agree on theirs. Rows are locked in the order of
 * their partitions, as the batch writer does, so that nobody waits in a circle.
 */
import type { Database } from '@millrace/database';
import { sql } from 'kysely';
import type { OrchestratorTables } from '../schema/tables.js';
import type { HeldLease } from './lease-book.js';

export interface AcquiredLease extends HeldLease {
  /** How far the owner before had published. */
  readonly publishedUntil: Date;
}

/** A lease to renew or hand back, and how far its partition has been published. */
export interface LeaseReport extends HeldLease {
  readonly publishedUntil: Date;
}

export class LeaseStore {
  constructor(
    private readonly database: Database<OrchestratorTables>,
    private readonly owner: string,
    private readonly ttlMs: number,
  ) {}

  /** Says that this replica is alive, and gives how many are. Rows that others work on are left to them. */
  async announce(): Promise<number> {
    return await this.database.asService(async (transaction) => {
      await sql`
        insert into replica (replica_id, expires_at) values (${this.owner}, ${this.expiry()})
        on conflict (replica_id) do update set expires_at = excluded.expires_at`.execute(transaction);
      await sql`
        delete from replica where replica_id in (
          select replica_id from replica where expires_at < now() for update skip locked
        )`.execute(transaction);
      const alive = await sql<{ count: number }>`
        select count(*)::integer as count from replica where expires_at >= now()`.execute(transaction);
      return alive.rows[0]?.count ?? 1;
    });
  }

  /** Renews leases, and gives the partitions that are still this replica's. */
  async renew(reports: readonly LeaseReport[]): Promise<ReadonlySet<number>> {
    if (reports.length === 0) return new Set();
    const { partitions, epochs, cursors } = columnsOf(reports);
    const renewed = await this.database.asService((transaction) =>
      sql<{ partition: number }>`
        with mine as (
          select lease.partition, report.published_until
          from partition_lease as lease
          join unnest(${partitions}::smallint[], ${epochs}::integer[], ${cursors}::text[])
            as report (partition, epoch, published_until)
            on report.partition = lease.partition and report.epoch = lease.epoch
          where lease.owner = ${this.owner}
          order by lease.partition
          for update of lease
        )
        update partition_lease as lease
        set expires_at = ${this.expiry()}, published_until = mine.published_until::timestamptz
        from mine where mine.partition = lease.partition
        returning lease.partition`.execute(transaction),
    );
    return new Set(renewed.rows.map((row) => row.partition));
  }

  /**
   * Takes over up to `atMost` partitions that nobody holds: never held, handed back or run out. With `andOwn` also those
   * under this replica's own name, which a process before this one has left. The cursor is set back to `now` where it is
   * later, so that a slow clock here loses nothing.
   */
  async acquire(atMost: number, options: { readonly andOwn: boolean; readonly now: Date }): Promise<AcquiredLease[]> {
    if (atMost <= 0) return [];
    const acquired = await this.database.asService((transaction) =>
      sql<{ partition: number; epoch: number; published_until: Date }>`
        with free as (
          select partition, published_until
          from partition_lease
          where owner is null or expires_at <= now() or (owner = ${this.owner} and ${options.andOwn})
          order by partition
          limit ${atMost}
          for update skip locked
        )
        update partition_lease as lease
        set owner = ${this.owner}, epoch = lease.epoch + 1, expires_at = ${this.expiry()},
            published_until = least(lease.published_until, ${options.now.toISOString()}::timestamptz)
        from free where free.partition = lease.partition
        returning lease.partition, lease.epoch, free.published_until`.execute(transaction),
    );
    return acquired.rows.map(({ partition, epoch, published_until: publishedUntil }) => ({
      partition,
      epoch,
      publishedUntil,
    }));
  }

  /** Hands partitions back: their leases run out now, so that others need not wait. */
  async release(reports: readonly LeaseReport[]): Promise<void> {
    if (reports.length === 0) return;
    const { partitions, epochs, cursors } = columnsOf(reports);
    await this.database.asService((transaction) =>
      sql`
        update partition_lease as lease
        set expires_at = now(), published_until = report.published_until::timestamptz
        from unnest(${partitions}::smallint[], ${epochs}::integer[], ${cursors}::text[])
          as report (partition, epoch, published_until)
        where report.partition = lease.partition and report.epoch = lease.epoch and lease.owner = ${this.owner}`.execute(
        transaction,
      ),
    );
  }

  /** Takes this replica out of the count of those alive. */
  async leave(): Promise<void> {
    await this.database.asService((transaction) =>
      transaction.deleteFrom('replica').where('replica_id', '=', this.owner).execute(),
    );
  }

  private expiry() {
    return sql<Date>`now() + ${this.ttlMs}::integer * interval '1 millisecond'`;
  }
}

const columnsOf = (reports: readonly LeaseReport[]): { partitions: number[]; epochs: number[]; cursors: string[] } => ({
  partitions: reports.map((report) => report.partition),
  epochs: reports.map((report) => report.epoch),
  cursors: reports.map((report) => report.publishedUntil.toISOString()),
});
