import type { PGlite } from '@electric-sql/pglite';
import { sql, type Kysely, type QueryResult, type Transaction } from 'kysely';
import type { Scope, ServiceSession } from '../backend.js';
import type { StatementBuilder, TransactionOptions } from '../database.js';
import { searchPathOf, type ServiceSchema } from '../schema/service-schema.js';
import { compile } from '../statement.js';
import type { Turnstile } from './turnstile.js';

/** The one instance that all services of the process share. */
export interface SharedInstance {
  readonly pglite: Pick<PGlite, 'exec'>;
  readonly kysely: Kysely<unknown>;
  readonly turnstile: Turnstile;
  /** Whose statements run now. */
  readonly current: { schema: string };
}

/** Every transaction puts on role, schema and tenant, and drops them at its end: the one session belongs to all services. */
export class EmbeddedSession implements ServiceSession {
  private readonly beginAsService: string;

  constructor(
    private readonly shared: SharedInstance,
    private readonly names: ServiceSchema,
  ) {
    const role = literal(names.serviceRole);
    const searchPath = literal(searchPathOf(names.schema));
    this.beginAsService = `begin; select set_config('role', ${role}, true), set_config('search_path', ${searchPath}, true),
      set_config('millrace.tenant_id', '', true)`;
  }

  /** Transactions run one after the other, so each isolation level is serializable. */
  transaction<Tables, Result>(
    scope: Scope,
    options: TransactionOptions,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
  ): Promise<Result> {
    return this.pass(() =>
      (this.shared.kysely as unknown as Kysely<Tables>).transaction().execute(async (transaction) => {
        await this.enter(transaction, scope);
        if (options.readOnly === true) await sql`set transaction read only`.execute(transaction);
        return work(transaction);
      }),
    );
  }

  statement<Tables, Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>> {
    const query = compile(this.shared.kysely as unknown as Kysely<Tables>, build);
    const { pglite, kysely } = this.shared;
    return this.pass(async () => {
      try {
        // Whatever does not vary goes in one simple query: each of PGlite's others costs as much as a small statement.
        await pglite.exec(this.beginAsService);
        const result = await kysely.executeQuery(query);
        await pglite.exec('commit');
        return { rows: result.rows, numAffectedRows: result.numAffectedRows ?? 0n };
      } catch (error) {
        // What went wrong first is what the caller must hear of; a closed database has nothing to roll back.
        await pglite.exec('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  private pass<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.shared.turnstile.pass(() => {
      this.shared.current.schema = this.names.schema;
      return work();
    });
  }

  private async enter<Tables>(transaction: Transaction<Tables>, scope: Scope): Promise<void> {
    const role = scope.kind === 'tenant' ? this.names.tenantRole : this.names.serviceRole;
    const tenantId = scope.kind === 'tenant' ? scope.tenantId : '';
    await sql`select set_config('role', ${role}, true), set_config('search_path', ${searchPathOf(this.names.schema)}, true),
      set_config('millrace.tenant_id', ${tenantId}, true)`.execute(transaction);
  }
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
