import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKey, type CreatedApiKey, envelopeOf, type Role, routeList } from '@millrace/contracts';
import { backendKinds } from '@millrace/testing';
import { createTestKey, TestGateway } from '../gateway.fixture.js';
import { ApiKeys } from '../keys/api-keys.js';
import { speaksOpenAi } from '../openai/openai-error.js';

const addressOf = (path: string): string => path.replace('{id}', `run_${'0'.repeat(32)}`).replace('{name}', 'anything');

describe.each(backendKinds)('access on %s', (backend) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start({ backend });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
  });

  const closed = routeList.filter(({ role }) => role !== 'public');
  it.each(closed.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s needs a key',
    async (_, route) => {
      const refusal = await gateway.refusal(addressOf(route.path), { method: route.method, key: null });
      // OpenAI has one code for a key that is missing and for a wrong one.
      const code = speaksOpenAi(route.path) ? 'invalid_api_key' : 'missing_api_key';
      expect(refusal).toMatchObject({ status: 401, code });
      expect(refusal.headers.get('www-authenticate')).toContain('Bearer');
    },
  );

  const ranks: Record<Role, number> = { viewer: 1, editor: 2, admin: 3 };
  const tooLow = closed.flatMap((route) =>
    (['viewer', 'editor'] as const)
      .filter((role) => route.role !== 'public' && ranks[role] < ranks[route.role])
      .map((role) => [`${route.method} ${route.path}`, role, route] as const),
  );
  it.each(tooLow)('%s is refused to a %s', async (_, role, route) => {
    const refusal = await gateway.refusal(addressOf(route.path), {
      method: route.method,
      key: gateway.keys[role].secret,
    });
    expect(refusal).toMatchObject({ status: 403, code: 'role_too_low' });
  });

  it.each([
    ['a key of nobody', `mr_${'0'.repeat(12)}_${'0'.repeat(43)}`],
    ['no key at all', 'secret'],
    ['a very long text', 'x'.repeat(5_000)],
  ])('refuses %s', async (_, key) => {
    expect(await gateway.refusal('/v1/runs', { key })).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('refuses a key whose secret is wrong by one character', async () => {
    const { secret } = gateway.keys.admin;
    const wrong = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A');
    expect(await gateway.refusal('/v1/keys', { key: wrong })).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('takes the key in X-API-Key too', async () => {
    const response = await gateway.call('/v1/keys', {
      key: null,
      headers: { 'x-api-key': gateway.keys.admin.secret },
    });
    expect(response.status).toBe(200);
  });

  it('shows a new key once, revokes it at once, and never shows it in a list or a log', async () => {
    const admin = gateway.keys.admin.secret;
    const created = await gateway.call('/v1/keys', { key: admin, body: { name: 'new', role: 'admin' } });
    expect(created.status).toBe(201);
    const { id, secret } = (await created.json()) as { id: string; secret: string };
    expect((await gateway.call('/v1/keys', { key: secret })).status).toBe(200);
    const list = await (await gateway.call('/v1/keys', { key: admin })).text();
    expect(list).toContain(id);
    expect(list).not.toContain(secret.slice(20));
    const revoked = await gateway.call(`/v1/keys/${id}`, { method: 'DELETE', key: admin });
    expect(await revoked.json()).toMatchObject({ id, revokedAt: expect.any(String) });
    expect(await gateway.refusal('/v1/keys', { key: secret })).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(gateway.logLines.join('')).not.toContain(secret.slice(20));
  });

  it('keeps the keys of tenants apart', async () => {
    const other = await createTestKey(gateway.bus, 'other', 'admin');
    const list = await (await gateway.call('/v1/keys', { key: other.secret })).text();
    expect(list).toContain(other.id);
    for (const key of Object.values(gateway.keys)) expect(list).not.toContain(key.id);
    const foreign = await gateway.refusal(`/v1/keys/${gateway.keys.viewer.id}`, {
      method: 'DELETE',
      key: other.secret,
    });
    expect(foreign).toMatchObject({ status: 404, code: 'unknown_key' });
    expect((await gateway.call('/v1/keys', { key: gateway.keys.admin.secret })).status).toBe(200);
  });

  it('pages through keys, each once', async () => {
    const admin = await createTestKey(gateway.bus, 'paging', 'admin');
    for (let made = 0; made < 6; made += 1) await createTestKey(gateway.bus, 'paging', 'viewer');
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await gateway.call(`/v1/keys?limit=3${query}`, { key: admin.secret });
      const body = (await page.json()) as { items: { id: string }[]; cursor: string | null };
      seen.push(...body.items.map(({ id }) => id));
      cursor = body.cursor;
    }
    expect(new Set(seen).size).toBe(7);
    expect(seen).toHaveLength(7);
  });

  async function askForFirstKey(tenantId: string): Promise<CreatedApiKey | null> {
    const context = { tenantId, correlationId: 'test', causationId: null };
    const envelope = envelopeOf(createKey, context, { name: 'first', role: 'admin', onlyFirst: true });
    return createKey.response.parse(await gateway.bus.request({ subject: createKey.subject, envelope })).key;
  }

  it('makes the first key of a tenant once, however many ask', async () => {
    const asked = await Promise.all(Array.from({ length: 5 }, () => askForFirstKey('first')));
    expect(asked.filter((key) => key !== null)).toHaveLength(1);
  });

  it('makes a first key again for a tenant that has no active admin key', async () => {
    await createTestKey(gateway.bus, 'no-admin', 'editor');
    const first = await askForFirstKey('no-admin');
    expect(first).toMatchObject({ role: 'admin' });
    expect(await askForFirstKey('no-admin')).toBeNull();
  });

  it('does not revoke the last admin key of a tenant, and revokes any other', async () => {
    const { id, secret: key } = await createTestKey(gateway.bus, 'last', 'admin');
    const viewer = await createTestKey(gateway.bus, 'last', 'viewer');
    const revoke = { method: 'DELETE', key };
    const refusal = await gateway.refusal(`/v1/keys/${id}`, revoke);
    expect(refusal).toMatchObject({ status: 409, code: 'last_admin_key' });
    expect(refusal.detail).toContain('Create another admin key first');
    expect((await gateway.call(`/v1/keys/${viewer.id}`, revoke)).status).toBe(200);
    const second = await createTestKey(gateway.bus, 'last', 'admin');
    expect((await gateway.call(`/v1/keys/${id}`, revoke)).status).toBe(200);
    const again = await gateway.call(`/v1/keys/${id}`, { ...revoke, key: second.secret });
    expect(await again.json()).toMatchObject({ id, revokedAt: expect.any(String) });
  });

  it('leaves a tenant one admin key when all are revoked at once', async () => {
    const keys = gateway.service.get<ApiKeys>(ApiKeys);
    const tenants = Array.from({ length: 8 }, (_, index) => `at-once-${index}`);
    const revoked = await Promise.all(
      tenants.map(async (tenantId) => {
        const admins = [
          await createTestKey(gateway.bus, tenantId, 'admin'),
          await createTestKey(gateway.bus, tenantId, 'admin'),
        ];
        return await Promise.allSettled(admins.map(({ id }) => keys.revoke(tenantId, id)));
      }),
    );
    for (const outcomes of revoked) {
      const [refused, ...others] = outcomes.filter(({ status }) => status === 'rejected');
      expect(refused).toMatchObject({ reason: { code: 'last_admin_key' } });
      expect(others).toEqual([]);
    }
  });
});
