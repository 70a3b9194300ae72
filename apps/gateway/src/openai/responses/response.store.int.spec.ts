import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenAiResponse } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { backendKinds, type TestDatabase, testDatabase } from '@millrace/testing';
import { sql } from 'kysely';
import { migrations } from '../../schema/migrations.js';
import type { GatewayTables } from '../../schema/tables.js';
import { storedInput } from './response-items.js';
import { completed, responseOf } from './response-shapes.js';
import { type FoundResponse, ResponseStore } from './response.store.js';

const tenantId = 'acme';
const usage = { promptTokens: 1, completionTokens: 1, cachedPromptTokens: 0, costUsd: 0 };
const limits = { responseKeepDays: 30, responsesPerTenant: 1_000, responseBytesPerTenant: 1_000_000_000 };

const answeredWith = (text: string): OpenAiResponse =>
  completed(
    responseOf({ model: 'm', input: 'Why?' }),
    { status: 'completed', text, toolCalls: [], finishReason: 'stop', usage, model: 'm' },
    null,
  );

describe.each(backendKinds)('kept responses in %s', (backend) => {
  let test: TestDatabase<GatewayTables>;
  let store: ResponseStore;
  beforeAll(async () => {
    test = await testDatabase<GatewayTables>({ backend, service: 'gateway', migrations });
    store = new ResponseStore(test.database, limits);
  }, 120_000);
  afterAll(() => test.close());

  const keep = async (tenant: string, previous: FoundResponse | null = null, text = 'Because.'): Promise<string> => {
    const response = answeredWith(text);
    await store.keep(tenant, { response, input: storedInput([{ role: 'user', content: 'Why?' }]), previous });
    return response.id;
  };
  const found = async (tenant: string, id: string): Promise<FoundResponse> => {
    const response = await store.find(tenant, id);
    if (response === null) throw new Error(`no response ${id}`);
    return response;
  };
  /** Moves the end of a response by so many hours. */
  const move = (id: string, hours: number): Promise<unknown> =>
    test.database.asService((transaction) =>
      sql`update stored_response set expires_at = expires_at + ${hours}::integer * interval '1 hour' where id = ${id}`.execute(
        transaction,
      ),
    );
  const rowsOf = async (tenant: string): Promise<readonly string[]> => {
    const rows = await test.database.forTenant(tenant, (transaction) =>
      transaction.selectFrom('stored_response').select('id').orderBy('id').execute(),
    );
    return rows.map(({ id }) => id);
  };
  const hours = (days: number): number => days * 24;

  it('end when their time is over, and are removed a day later with their items', async () => {
    const tenant = newId('t');
    const [past, kept] = [await keep(tenant), await keep(tenant)];
    await move(past, -hours(30));
    expect(await store.find(tenant, past)).toBeNull();
    expect(await store.items(tenant, [])).toEqual([]);
    expect(await store.remove(tenant, past)).toBe(false);
    await store.prune();
    expect(await rowsOf(tenant)).toEqual([past, kept].toSorted());
    await move(past, -hours(1) - 1);
    await store.prune();
    expect(await rowsOf(tenant)).toEqual([kept]);
    expect(await store.output(tenant, past)).toEqual([]);
    expect(await store.output(tenant, kept)).toHaveLength(1);
  });

  it('are kept for as long as what continues them', async () => {
    const tenant = newId('t');
    const first = await keep(tenant);
    const second = await keep(tenant, await found(tenant, first));
    const alone = await keep(tenant);
    for (const id of [first, second, alone]) await move(id, -hours(29));
    const third = await keep(tenant, await found(tenant, second));
    for (const id of [first, second, alone, third]) await move(id, -hours(29));
    await move(alone, -hours(2));
    await store.prune();
    expect(await rowsOf(tenant)).toEqual([first, second, third].toSorted());
    const latest = await found(tenant, third);
    expect(latest).toMatchObject({ length: 3, items: 6 });
    expect(await store.conversation(tenant, latest)).toHaveLength(6);
  });

  it('can be continued until their end though one before them has ended', async () => {
    const tenant = newId('t');
    const first = await keep(tenant);
    const second = await keep(tenant, await found(tenant, first));
    await move(first, -hours(30));
    await store.prune();
    expect(await store.conversation(tenant, await found(tenant, second))).toHaveLength(4);
  });

  it('cannot be continued where one before them is gone', async () => {
    const tenant = newId('t');
    const first = await keep(tenant);
    const second = await keep(tenant, await found(tenant, first));
    const third = await keep(tenant, await found(tenant, second));
    expect(await store.remove(tenant, first)).toBe(true);
    expect(await store.conversation(tenant, await found(tenant, third))).toBeNull();
  });

  it('are no more, and no larger, than a tenant may have: those go first that end first', async () => {
    const [tenant, other] = [newId('t'), newId('t')];
    const ids: string[] = [];
    for (let made = 0; made < 5; made += 1) ids.push(await keep(tenant));
    const untouched = await keep(other);
    await move(ids[4] ?? '', -1);
    expect(await new ResponseStore(test.database, { ...limits, responsesPerTenant: 4 }).trim(tenant)).toBe(false);
    expect(await rowsOf(tenant)).toEqual(ids.slice(0, 4));
    const large = await keep(tenant, null, 'Because. '.repeat(2_000));
    await new ResponseStore(test.database, { ...limits, responseBytesPerTenant: 20_000 }).trim(tenant);
    const left = await rowsOf(tenant);
    expect(left).toContain(large);
    expect(left.length).toBeLessThan(5);
    expect(await rowsOf(other)).toEqual([untouched]);
  });

  it('do not exist for another tenant, by whatever name', async () => {
    const id = await keep(tenantId);
    const mine = await found(tenantId, id);
    const [output] = await store.output(tenantId, id);
    const page = { limit: 10, order: 'asc' as const, after: null };
    expect(await store.find('other', id)).toBeNull();
    expect(await store.output('other', id)).toEqual([]);
    expect(await store.conversation('other', mine)).toBeNull();
    expect(await store.asked('other', id, page)).toEqual([]);
    expect(await store.items('other', [output?.id ?? ''])).toEqual([]);
    expect(await store.remove('other', id)).toBe(false);
    expect(await store.asked(tenantId, id, page)).toHaveLength(1);
  });
});
