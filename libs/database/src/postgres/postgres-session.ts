import { sha256Hex } from '@millrace/kernel';
import { type CompiledQuery, Kysely, PostgresDialect, sql, type QueryResult, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Scope, ServiceSession } from '../backend.js';
import type { StatementBuilder, TransactionOptions } from '../database.js';
import { sqlState } from '../errors.js';
import { measurePool, waitCell } from '../metering.js';
import { compile } from '../statement.js';
import { droppedInSilence } from './silent-connection.js';
import type { ServiceSchema } from '../schema/service-schema.js';
import { statementRecorder, tracedStatement } from '../tracing/statement-span.js';

const stalePlan = '0A000';

/** A pool whose connections begin as the service; a tenant's transaction steps down to the tenant's role. */
export class PostgresSession implements ServiceSession {
  private readonly kysely: Kysely<unknown>;
  private readonly statementNames = new Map<string, string>();
  private readonly stopMeasuring: () => void;
  private readonly waits;
  private ending: Promise<void> | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly names: ServiceSchema,
    private readonly ended: () => void,
  ) {
    this.waits = waitCell(names.schema);
    this.stopMeasuring = measurePool(names.schema, pool);
    const measured = {
      connect: async () => droppedInSilence(await this.connect()),
      end: () => pool.end(),
      options: pool.options,
    };
    const dialect = new PostgresDialect({ pool: measured });
    const log = statementRecorder(() => names.schema);
    this.kysely = new Kysely<unknown>({ dialect, ...(log !== undefined && { log }) });
  }

  transaction<Tables, Result>(
    scope: Scope,
    options: TransactionOptions,
    work: (transaction: Transaction<Tables>) => Promise<Result>,
  ): Promise<Result> {
    let builder = (this.kysely as unknown as Kysely<Tables>).transaction();
    if (options.isolationLevel !== undefined) builder = builder.setIsolationLevel(options.isolationLevel);
    if (options.readOnly === true) builder = builder.setAccessMode('read only');
    return builder.execute(async (transaction) => {
      if (scope.kind === 'tenant') await this.stepDown(transaction, scope.tenantId);
      return work(transaction);
    });
  }

  async statement<Tables, Row>(build: StatementBuilder<Tables, Row>): Promise<QueryResult<Row>> {
    const query = compile(this.kysely as unknown as Kysely<Tables>, build);
    try {
      return await this.runPrepared(query);
    } catch (error) {
      // A migration of a newer version changed what the statement gives: it was refused before it ran, so prepare it anew.
      if (sqlState(error) !== stalePlan) throw error;
      return this.runPrepared(query);
    }
  }

  /** Straight through the pool: kysely would neither prepare the statement nor drop a connection that has gone silent. */
  private async runPrepared<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
    const client = await this.connect();
    let intact = false;
    try {
      const name = this.nameOf(query.sql);
      const result = await tracedStatement(this.names.schema, query.sql, () =>
        client.query({ name, text: query.sql, values: [...query.parameters] }),
      );
      intact = true;
      return { rows: result.rows as Row[], numAffectedRows: BigInt(result.rowCount ?? 0) };
    } catch (error) {
      intact = sqlState(error) !== undefined && sqlState(error) !== stalePlan;
      throw error;
    } finally {
      client.release(!intact);
    }
  }

  /** Statements that are prepared are few and their texts constant, so the names are kept. */
  private nameOf(text: string): string {
    const known = this.statementNames.get(text);
    if (known !== undefined) return known;
    const name = sha256Hex(text).slice(0, 32);
    this.statementNames.set(text, name);
    return name;
  }

  private async connect(): Promise<pg.PoolClient> {
    const beganAt = performance.now();
    const client = await this.pool.connect();
    this.waits.record((performance.now() - beganAt) / 1000);
    return client;
  }

  end(): Promise<void> {
    this.stopMeasuring();
    this.ended();
    return (this.ending ??= this.pool.end());
  }

  private async stepDown<Tables>(transaction: Transaction<Tables>, tenantId: string): Promise<void> {
    await sql`select set_config('role', ${this.names.tenantRole}, true),
      set_config('millrace.tenant_id', ${tenantId}, true)`.execute(transaction);
  }
}
