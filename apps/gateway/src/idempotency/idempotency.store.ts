import type { Run } from '@millrace/contracts';
import { type Database, Gathering } from '@millrace/database';
import { DATABASE } from '@millrace/service';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Transaction } from 'kysely';
import type { GatewayTables } from '../schema/tables.js';
import { type Claim, claimOf, type FoundRecord } from './claim.js';

export interface ClaimRequest {
  readonly tenantId: string;
  readonly key: string;
  readonly bodySha256: string;
  /** The run's id should the record be new. */
  readonly runId: string;
  readonly leaseMs: number;
}

const retention = sql<Date>`now() - interval '24 hours'`;

/**
 * The records of `Idempotency-Key`. Leases are measured by the database's clock, which all replicas share. What every start
 * needs, a new record and its answer, is written for many starts in one statement.
 */
@Injectable()
export class IdempotencyStore {
  private readonly claims = new Gathering((requests: readonly ClaimRequest[]) => this.insertNew(requests));
  private readonly answers = new Gathering((answers: readonly RecordedAnswer[]) => this.keepAnswers(answers));

  constructor(@Inject(DATABASE) private readonly database: Database<GatewayTables>) {}

  /** Makes the record, or says what the one that is there allows. Of two at once, one gets the claim. */
  async claim(request: ClaimRequest): Promise<Claim> {
    return (await this.claims.submit(request)) ? { kind: 'fresh' } : await this.claimKnown(request);
  }

  /** Whether each of the records was new. Sorted, so that replicas with the same keys do not wait for each other in a circle. */
  private async insertNew(requests: readonly ClaimRequest[]): Promise<boolean[]> {
    const inserted = await this.database.asServiceStatement(
      () => sql<{ run_id: string }>`
        insert into idempotency_record (tenant_id, key, body_sha256, run_id, leased_until, created_at)
        select tenant_id, key, body_sha256, run_id, now() + lease_ms * interval '1 millisecond', now()
        from unnest(${requests.map((each) => each.tenantId)}::text[], ${requests.map((each) => each.key)}::text[],
                    ${requests.map((each) => each.bodySha256)}::text[], ${requests.map((each) => each.runId)}::text[],
                    ${requests.map((each) => each.leaseMs)}::integer[])
          as claim (tenant_id, key, body_sha256, run_id, lease_ms)
        order by tenant_id, key
        on conflict (tenant_id, key) do nothing
        returning run_id`,
    );
    const runIds = new Set(inserted.rows.map((row) => row.run_id));
    return requests.map(({ runId }) => runIds.has(runId));
  }

  private async claimKnown(request: ClaimRequest): Promise<Claim> {
    return await this.database.forTenant(request.tenantId, async (transaction) => {
      const inserted = await transaction
        .insertInto('idempotency_record')
        .values(rowOf(request))
        .onConflict((conflict) => conflict.doNothing())
        .returning('run_id')
        .executeTakeFirst();
      if (inserted) return { kind: 'fresh' };
      const claim = claimOf(await findRecord(transaction, request), request.bodySha256);
      if (claim.kind === 'fresh') await renew(transaction, request, rowOf(request));
      if (claim.kind === 'take-over') await renew(transaction, request, { leased_until: rowOf(request).leased_until });
      return claim;
    });
  }

  /** Keeps the answer, to be given again. */
  async complete(record: RecordOfRun, response: Run): Promise<void> {
    await this.answers.submit({ ...record, response: JSON.stringify(response) });
  }

  /** As an insert whose rows are there already: they are found by their key, whatever the planner believes of the table. */
  private async keepAnswers(answers: readonly RecordedAnswer[]): Promise<void[]> {
    await this.database.asServiceStatement(
      () => sql`
        insert into idempotency_record as record (tenant_id, key, body_sha256, run_id, response, leased_until, created_at)
        select tenant_id, key, body_sha256, run_id, response::jsonb, now(), now()
        from unnest(${answers.map((each) => each.tenantId)}::text[], ${answers.map((each) => each.key)}::text[],
                    ${answers.map((each) => each.bodySha256)}::text[], ${answers.map((each) => each.runId)}::text[],
                    ${answers.map((each) => each.response)}::text[])
          as answer (tenant_id, key, body_sha256, run_id, response)
        order by tenant_id, key
        on conflict (tenant_id, key) do update set response = excluded.response
        where record.run_id = excluded.run_id`,
    );
    return answers.map(() => undefined);
  }

  /** Lets the next request take over at once: nobody knows whether the command arrived. */
  async release({ tenantId, key, runId }: RecordOfRun): Promise<void> {
    await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .updateTable('idempotency_record')
        .set({ leased_until: sql`now()` })
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .where('run_id', '=', runId)
        .execute(),
    );
  }

  /** Removes the record of a command that was refused: nothing happened, so the key is free for a corrected body. */
  async abandon({ tenantId, key, runId }: RecordOfRun): Promise<void> {
    await this.database.forTenant(tenantId, (transaction) =>
      transaction
        .deleteFrom('idempotency_record')
        .where('tenant_id', '=', tenantId)
        .where('key', '=', key)
        .where('run_id', '=', runId)
        .where('response', 'is', null)
        .execute(),
    );
  }

  /** Removes what is past its time, of all tenants. */
  async prune(): Promise<void> {
    await this.database.asService((transaction) =>
      transaction.deleteFrom('idempotency_record').where('created_at', '<', retention).execute(),
    );
  }
}

export interface RecordOfRun {
  readonly tenantId: string;
  readonly key: string;
  readonly bodySha256: string;
  readonly runId: string;
}

interface RecordedAnswer extends RecordOfRun {
  /** As JSON. */
  readonly response: string;
}

const rowOf = ({ tenantId, key, bodySha256, runId, leaseMs }: ClaimRequest) => ({
  tenant_id: tenantId,
  key,
  body_sha256: bodySha256,
  run_id: runId,
  response: null,
  leased_until: sql<Date>`now() + ${leaseMs}::float8 * interval '1 millisecond'`,
  created_at: sql<Date>`now()`,
});

async function findRecord(
  transaction: Transaction<GatewayTables>,
  { tenantId, key }: ClaimRequest,
): Promise<FoundRecord> {
  return await transaction
    .selectFrom('idempotency_record')
    .select([
      'body_sha256 as bodySha256',
      'run_id as runId',
      'response',
      sql<number>`(extract(epoch from leased_until - now()) * 1000)::float8`.as('leaseRemainingMs'),
      sql<boolean>`created_at < ${retention}`.as('isExpired'),
    ])
    .where('tenant_id', '=', tenantId)
    .where('key', '=', key)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

async function renew(
  transaction: Transaction<GatewayTables>,
  { tenantId, key }: ClaimRequest,
  changes: Partial<ReturnType<typeof rowOf>>,
): Promise<void> {
  await transaction
    .updateTable('idempotency_record')
    .set(changes)
    .where('tenant_id', '=', tenantId)
    .where('key', '=', key)
    .execute();
}
