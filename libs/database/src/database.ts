/**
 * A service's database: one schema of the service's name, on Postgres or on PGlite, with the same SQL.
 *
 * 1. Whatever is done on behalf of one tenant runs in `forTenant`: a role without bypass, row-level security, the tenant set
 *    for that transaction only.
 * 2. Batch writers and relays that span tenants run in `asService`: a role that reaches only what its migrations granted.
 * 3. Nothing else gives access; migrations run as the owner, under a lock, before the service takes work.
 */
import type { Migration, Transaction } from 'kysely';

export type Migrations = Readonly<Record<string, Migration>>;

export interface Database<Tables> {
  readonly schema: string;
  /** One transaction as the tenant's role: rows of other tenants do not exist in it. */
  forTenant<Result>(tenantId: string, work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result>;
  /** One transaction as the service's own role, over all tenants. */
  asService<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result>;
  health(): Promise<{ readonly ready: boolean; readonly problems: readonly string[] }>;
  /** Ends this service's use of the database; the backend itself stays open. */
  close(): Promise<void>;
}
