/**
 * A service's database: one schema of the service's name, on Postgres or on PGlite, with the same SQL.
 *
 * 1. Whatever is done on behalf of one tenant runs in `forTenant`: a role without bypass, row-level security, the tenant set
 *    for that transaction only.
 * 2. Batch writers and relays that span tenants run in `asService`: a role that reaches only what its migrations granted.
 * 3. Nothing else gives access; migrations run as the owner, under a lock, before the service takes work.
 */
import type { Compilable, QueryCreator, QueryResult, RawBuilder, Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';

/** By name, `0001_what_it_does` onwards. Released migrations never change: what is to be different is a new one. */
export type Migrations = Readonly<Record<string, Migration>>;

export interface TransactionOptions {
  /** Default `read committed`. */
  readonly isolationLevel?: 'read committed' | 'repeatable read' | 'serializable';
  readonly readOnly?: boolean;
  /**
   * How often `work` may run when the database asks for another attempt (serialization failure, deadlock). Default 1,
   * because `work` must have no effect outside the transaction to run twice.
   */
  readonly attempts?: number;
}

/** Builds one statement: a kysely query or `sql`. */
export type StatementBuilder<Tables, Row> = (database: QueryCreator<Tables>) => Compilable<Row> | RawBuilder<Row>;

export interface Database<Tables> {
  readonly schema: string;
  /**
   * One transaction as the tenant's role: rows of other tenants do not exist in it. Commits when `work` resolves.
   * @throws MillraceError `database_unavailable`, `database_overloaded` (no connection became free), `database_timeout`,
   *   `database_conflict` (try again), `unstorable_text` (a NUL character), `database_access_denied`; other errors of the
   *   database and whatever `work` threw come through as they are
   */
  forTenant<Result>(
    tenantId: string,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /** One transaction as the service's own role, over all tenants. Errors as `forTenant`. */
  asService<Result>(
    work: (transaction: Transaction<Tables>) => Promise<Result>,
    options?: TransactionOptions,
  ): Promise<Result>;
  /**
   * One statement as the service's own role, committed by itself: a single round trip on Postgres. For hot paths that say
   * all in one statement. It is prepared once per connection, so its text must not vary from call to call.
   */
  asServiceStatement<Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>>;
  health(): Promise<{ readonly ready: boolean; readonly problems: readonly string[] }>;
  /** Waits for what is running, then ends this service's use of the database; the backend itself stays open. */
  close(): Promise<void>;
}
