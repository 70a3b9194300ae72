/** Providers of models, and what is spent on them, over HTTP, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Problem, Provider } from '@millrace/contracts';
import { TestSystem } from '../host/system.fixture.js';

let system: TestSystem;
let admin: string;
beforeAll(async () => {
  system = await TestSystem.start();
  admin = await system.key('acme', 'admin');
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

const groq = { name: 'groq', kind: 'groq' };

describe('/v1/providers', () => {
  it('lets an admin add, see and forget a provider of its own tenant', async () => {
    const put = await system.call<Provider>('/v1/providers', admin, { ...groq, models: ['llama'] });
    expect(put).toMatchObject({
      status: 200,
      body: { name: 'groq', hasKey: false, origin: 'tenant', models: ['llama'] },
    });
    const viewer = await system.key('acme', 'viewer');
    expect(await system.call('/v1/providers', viewer)).toMatchObject({ status: 200, body: { items: [put.body] } });
    const stranger = await system.key('globex', 'admin');
    expect(await system.call('/v1/providers', stranger)).toMatchObject({ status: 200, body: { items: [] } });
    await expect(system.client(stranger).models.deleteProvider('groq')).rejects.toMatchObject({
      code: 'unknown_provider',
    });
    await system.client(admin).models.deleteProvider('groq');
    expect(await system.client(admin).models.listProviders()).toEqual({ items: [] });
  });

  it('lets nobody else change one', async () => {
    for (const role of ['viewer', 'editor'] as const) {
      const key = await system.key('acme', role);
      expect(await system.call('/v1/providers', key, groq)).toMatchObject({
        status: 403,
        body: { code: 'role_too_low' },
      });
      await expect(system.client(key).models.deleteProvider('groq')).rejects.toMatchObject({ code: 'role_too_low' });
    }
  });

  it.each([
    ['a wrong kind', { ...groq, kind: 'crystal-ball' }, 400, '/kind'],
    ['a password in the address', { ...groq, baseUrl: 'https://me:sk-canary@api.groq.com' }, 400, '/baseUrl'],
    ['an address in the private network', { ...groq, baseUrl: 'http://169.254.169.254/' }, 400, '/baseUrl'],
    ['a key that nothing can seal', { ...groq, apiKey: 'sk-canary' }, 409, undefined],
    ['a key that is none', { ...groq, apiKey: ['sk-canary'] }, 400, '/apiKey'],
  ])('refuses %s and shows no key', async (_, body, status, pointer) => {
    const answer = await system.call<Problem>('/v1/providers', admin, body);
    expect(answer.status).toBe(status);
    if (pointer !== undefined) expect(answer.body.errors.map((error) => error.pointer)).toContain(pointer);
    expect(JSON.stringify(answer.body)).not.toContain('canary');
  });
});

describe('/v1/budgets and /v1/usage', () => {
  it('let an admin bound what is spent, and everybody of the tenant see it', async () => {
    const [viewer, editor] = [await system.key('acme', 'viewer'), await system.key('acme', 'editor')];
    expect((await system.call('/v1/budgets', editor, { usdPerMonth: 5 })).status).toBe(403);
    const budget = { key: null, usdPerMonth: 5, spentUsd: 0, reservedUsd: 0 };
    expect(await system.client(admin).models.setBudget({ usdPerMonth: 5 })).toEqual({ items: [budget] });
    expect(await system.client(viewer).models.listBudgets()).toEqual({ items: [budget] });
    expect(await system.client(await system.key('globex', 'admin')).models.listBudgets()).toEqual({ items: [] });
    expect(await system.client(viewer).models.readUsage({ from: '2026-01-01', to: '2026-01-31' })).toEqual({
      items: [],
    });
    expect(await system.client(admin).models.setBudget({ usdPerMonth: null })).toEqual({ items: [] });
  });

  it.each([
    ['/v1/usage?from=yesterday', undefined],
    ['/v1/usage?from=2020-01-01', undefined],
    ['/v1/usage?surprise=1', undefined],
    ['/v1/budgets', { usdPerMonth: -1 }],
    ['/v1/budgets', { usdPerMonth: 1, key: '../..' }],
  ])('refuse what they cannot read: %s', async (path, body) => {
    expect((await system.call(path, admin, body)).status).toBe(400);
  });
});
