import type { PGlite } from '@electric-sql/pglite';
import { sql, type Kysely, type QueryResult, type Transaction } from 'kysely';
import type { Scope, ServiceSession } from '../backend.js';
import type { StatementBuilder, TransactionOptions } from '../database.js';
import { searchPathOf, type ServiceSchema } from '../schema/service-schema.js';
import { compile } from '../statement.js';
import type { Turnstile } from './turnstile.js';

/** Every transaction puts on role, schema and tenant, and drops them at its end: the one session belongs to all services. */
export class EmbeddedSession implements ServiceSession {
  private readonly beginAsService: string;

  constructor(
    private readonly pglite: Pick<PGlite, 'exec'>,
    private readonly kysely: Kysely<unknown>,
    private readonly turnstile: Turnstile,
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
    return this.turnstile.pass(() =>
      (this.kysely as unknown as Kysely<Tables>).transaction().execute(async (transaction) => {
        await this.enter(transaction, scope);
        if (options.readOnly === true) await sql`set transaction read only`.execute(transaction);
        return work(transaction);
      }),
    );
  }

  statement<Tables, Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>> {
    const query = compile(this.kysely as unknown as Kysely<Tables>, build);
    return this.turnstile.pass(async () => {
      try {
        // Whatever does not vary goes in one simple query: each of PGlite's others costs as much as a small statement.
        await this.pglite.exec(this.beginAsService);
        const result = await this.kysely.executeQuery(query);
        await this.pglite.exec('commit');
        return { rows: result.rows, numAffectedRows: result.numAffectedRows ?? 0n };
      } catch (error) {
        // What went wrong first is what the caller must hear of; a closed database has nothing to roll back.
        await this.pglite.exec('rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  private async enter<Tables>(transaction: Transaction<Tables>, scope: Scope): Promise<void> {
    const role = scope.kind === 'tenant' ? this.names.tenantRole : this.names.serviceRole;
    const tenantId = scope.kind === 'tenant' ? scope.tenantId : '';
    await sql`select set_config('role', ${role}, true), set_config('search_path', ${searchPathOf(this.names.schema)}, true),
      set_config('millrace.tenant_id', ${tenantId}, true)`.execute(transaction);
  }
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
