import { setTimeout as pause } from 'node:timers/promises';
import { InFlight, MillraceError } from '@millrace/kernel';
import { sql, type QueryResult, type Transaction } from 'kysely';
import type { DatabaseBackend, Scope, ServiceSession } from './backend.js';
import type { Database, Migrations, StatementBuilder, TransactionOptions } from './database.js';
import { databaseClosed, translateError } from './errors.js';
import { OperationMeter, type Operation } from './metering.js';
import { checkSchema, migrate } from './schema/migrate.js';
import { checkRoles, ensureRoles, grantRoles } from './schema/roles.js';
import { serviceSchema } from './schema/service-schema.js';

export interface DatabaseOptions {
  readonly backend: DatabaseBackend;
  /** The service's name; its schema is called the same, dashes as underscores. */
  readonly service: string;
  readonly migrations: Migrations;
}

/** Whether a service brings its schema up to date by itself, as its owner, or only looks whether that was done. */
export type SchemaPolicy = 'migrate' | 'check';

/**
 * Opens a service's database. It makes its roles and schema and migrates under a lock, unless the policy is to check only; then
 * its user needs no right but to take on its two roles.
 * @throws MillraceError `database_unavailable`, `database_refused`, `database_roles_missing`, `database_schema_missing`,
 *   `database_schema_outdated`, `invalid_service_name`, and those of the migrations: `invalid_migration_name`,
 *   `migration_history_mismatch`, `migration_failed`, `unprotected_table`
 */
export async function openDatabase<Tables>(
  options: DatabaseOptions & { readonly schema?: SchemaPolicy },
): Promise<Database<Tables>> {
  const { backend, service, migrations, schema = 'migrate' } = options;
  const names = serviceSchema(service);
  try {
    if (schema === 'migrate') await migrateDatabase(options);
    else {
      await backend.asUser(async (user) => {
        await checkRoles(user, names);
        await checkSchema(user, names, migrations);
      });
    }
    return new ServiceDatabase<Tables>(names.schema, await backend.openSession(names));
  } catch (error) {
    throw translateError(error);
  }
}

/**
 * Brings a service's schema up to date without opening it; the backend's user owns the schema, or makes it. With a `login`,
 * that user may take on the service's roles afterwards.
 * @returns the names of the migrations that ran now
 * @throws MillraceError as `openDatabase`
 */
export async function migrateDatabase(
  options: DatabaseOptions & { readonly login?: string },
): Promise<readonly string[]> {
  const { backend, migrations, login } = options;
  const names = serviceSchema(options.service);
  try {
    return await backend.asUser(async (owner) => {
      await ensureRoles(owner, names);
      if (login !== undefined) await grantRoles(owner, names, login);
      return migrate(owner, names, migrations);
    });
  } catch (error) {
    throw translateError(error);
  }
}

class ServiceDatabase<Tables> implements Database<Tables> {
  private readonly running = new InFlight<Promise<unknown>>();
  private readonly meter: OperationMeter;
  private closing: Promise<void> | undefined;

  constructor(
    readonly schema: string,
    private readonly session: ServiceSession,
  ) {
    this.meter = new OperationMeter(schema);
  }

  async forTenant<Result>(
    tenantId: string,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    if (tenantId === '') throw new MillraceError('invalid', 'invalid_tenant', 'The tenant is empty.');
    return this.transact({ kind: 'tenant', tenantId }, options, work);
  }

  asService<Result>(
    work: (transaction: Transaction<Tables>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    return this.transact({ kind: 'service' }, options, work);
  }

  asServiceStatement<Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>> {
    return this.run('statement', () => this.session.statement(build));
  }

  async health(): Promise<{ readonly ready: boolean; readonly problems: readonly string[] }> {
    try {
      await this.asServiceStatement(() => sql`select 1`);
      return { ready: true, problems: [] };
    } catch (error) {
      const problem = error instanceof MillraceError ? error.message : 'The database does not work.';
      return { ready: false, problems: [problem] };
    }
  }

  close(): Promise<void> {
    return (this.closing ??= this.finish());
  }

  private async finish(): Promise<void> {
    await Promise.allSettled([...this.running]);
    await this.session.end();
  }

  private transact<Result>(
    scope: Scope,
    options: TransactionOptions,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
  ): Promise<Result> {
    return this.run(scope.kind === 'tenant' ? 'tenant-transaction' : 'service-transaction', async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.session.transaction(scope, options, work);
        } catch (error) {
          const translated = translateError(error);
          const again = translated instanceof MillraceError && translated.code === 'database_conflict';
          if (!again || attempt >= (options.attempts ?? 1)) throw translated;
          await pause(Math.random() * 10 * 2 ** attempt);
        }
      }
    });
  }

  private async run<Result>(operation: Operation, work: () => Promise<Result>): Promise<Result> {
    if (this.closing !== undefined) throw databaseClosed();
    const beganAt = performance.now();
    const running = work();
    const place = this.running.add(running);
    try {
      const result = await running;
      this.meter.done(operation, beganAt);
      return result;
    } catch (error) {
      const translated = translateError(error);
      this.meter.failed(operation, beganAt, translated);
      throw translated;
    } finally {
      this.running.remove(place, running);
    }
  }
}
