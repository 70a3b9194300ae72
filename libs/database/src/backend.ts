/** What Postgres and PGlite each provide; `openDatabase` builds a service's database on it. */
import type { Kysely, QueryResult, Transaction } from 'kysely';
import type { StatementBuilder, TransactionOptions } from './database.js';
import type { ServiceSchema } from './schema/service-schema.js';

/** On whose behalf a transaction runs. */
export type Scope = { readonly kind: 'tenant'; readonly tenantId: string } | { readonly kind: 'service' };

/** One service's way into the database. Errors are those of the driver. */
export interface ServiceSession {
  transaction<Tables, Result>(
    scope: Scope,
    options: TransactionOptions,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
  ): Promise<Result>;
  statement<Tables, Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>>;
  end(): Promise<void>;
}

export interface DatabaseBackend extends AsyncDisposable {
  readonly kind: 'postgres' | 'pglite';
  /** Runs `work` as the user of the backend's address, in no role of a service: to migrate, as the owner, or to look before opening. */
  asUser<Result>(work: (user: Kysely<unknown>) => Promise<Result>): Promise<Result>;
  openSession(names: ServiceSchema): Promise<ServiceSession>;
  /** Ends everything; databases opened on it answer `database_closed` from then on. */
  close(): Promise<void>;
}
