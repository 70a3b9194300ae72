/** Routes and prices as data over HTTP, called through OpenAI's client, against the whole system. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { MillraceClient } from '@millrace/client';
import { answers, eventually, startScriptedProvider, type ScriptedProvider } from '@millrace/testing';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { TestSystem } from '../host/system.fixture.js';

let provider: ScriptedProvider;
let system: TestSystem;
let admin: string;
let api: MillraceClient;
let client: OpenAI;

function modelsFile(baseUrl: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  const lines = [
    `providers: [{ name: house, kind: openai-compatible, baseUrl: "${baseUrl}" }]`,
    'routes: [{ name: common, targets: [{ model: house/small }] }]',
    'prices: [{ model: house/small, inputUsdPerMillion: 1000, outputUsdPerMillion: 1000 }]',
  ];
  writeFileSync(file, lines.join('\n'));
  return file;
}

const openAi = (apiKey: string) => new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey, maxRetries: 0 });

beforeAll(async () => {
  provider = await startScriptedProvider();
  system = await TestSystem.start({
    MILLRACE_LLM_MODELS_FILE: modelsFile(provider.baseUrl),
    MILLRACE_LLM_PROVIDER_HOSTS: new URL(provider.baseUrl).host,
  });
  admin = await system.key('acme', 'admin');
  api = system.client(admin);
  client = openAi(admin);
  await api.models.putProvider({ name: 'mine', kind: 'openai-compatible', baseUrl: provider.baseUrl });
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider.stop();
});
beforeEach(() => provider.script(answers('Well.')));

const messages = [{ role: 'user' as const, content: 'Why?' }];
const call = (model: string, of = client) => of.chat.completions.create({ model, messages, max_tokens: 20 });
const put = (name: string, body: unknown, key = admin) => send('PUT', `/v1/routes/${name}`, key, body);

async function send(method: string, path: string, key: string, body?: unknown) {
  const response = await fetch(`${system.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return {
    status: response.status,
    body: (await response.json()) as { code?: string; errors?: { pointer: string }[] },
  };
}

describe('/v1/routes', () => {
  it('lets an admin make, see, change and forget a route over own providers, which is called at once', async () => {
    const made = await api.models.putModelRoute('writing', {
      targets: [{ model: 'mine/hostile:server-error' }],
      fallback: [{ model: 'mine/small' }],
    });
    expect(made).toMatchObject({ name: 'writing', strategy: 'weighted', rounds: 2, origin: 'tenant' });
    expect((await call('route:writing')).model).toBe('mine/small');
    expect(await api.models.getModelRoute('writing')).toEqual(made);
    expect((await api.models.listModelRoutes()).items.map(({ name, origin }) => [name, origin])).toEqual([
      ['common', 'installation'],
      ['writing', 'tenant'],
    ]);
    expect((await client.models.list()).data.map(({ id }) => id)).toContain('route:writing');
    await api.models.putModelRoute('writing', { targets: [{ model: 'mine/large' }] });
    expect((await call('route:writing')).model).toBe('mine/large');
    await api.models.deleteModelRoute('writing');
    await expect(call('route:writing')).rejects.toMatchObject({ status: 404 });
    await expect(api.models.getModelRoute('writing')).rejects.toMatchObject({ code: 'unknown_model_route' });
    await expect(api.models.deleteModelRoute('writing')).rejects.toMatchObject({ code: 'unknown_model_route' });
  });

  it('follows a change of its provider', async () => {
    await api.models.putModelRoute('moving', { targets: [{ model: 'mine/small' }] });
    await call('route:moving');
    const moved = provider.baseUrl.replace('127.0.0.1', 'localhost');
    const refused = await send('POST', '/v1/providers', admin, {
      name: 'mine',
      kind: 'openai-compatible',
      baseUrl: moved,
    });
    expect(refused.status).toBe(400);
    await api.models.putProvider({ name: 'mine', kind: 'openai-compatible', baseUrl: `${provider.baseUrl}/moved` });
    await call('route:moving');
    expect(provider.requests.at(-1)?.path).toContain('/moved/');
    await api.models.putProvider({ name: 'mine', kind: 'openai-compatible', baseUrl: provider.baseUrl });
  });

  it('shows a tenant nothing of another one, and lets it have the same name', async () => {
    await api.models.putModelRoute('private', { targets: [{ model: 'mine/small' }] });
    const stranger = await system.key('globex', 'admin');
    const theirs = system.client(stranger);
    expect((await theirs.models.listModelRoutes()).items.map(({ name }) => name)).toEqual(['common']);
    await expect(call('route:private', openAi(stranger))).rejects.toMatchObject({ status: 404 });
    await expect(theirs.models.deleteModelRoute('private')).rejects.toMatchObject({ code: 'unknown_model_route' });
    // Another tenant's provider is none of theirs either.
    await expect(theirs.models.putModelRoute('private', { targets: [{ model: 'mine/small' }] })).rejects.toMatchObject({
      code: 'unknown_target',
    });
  });

  it.each<[string, string, unknown, number, string, string]>([
    ['no target', 'x', { targets: [] }, 400, 'invalid_body', '/targets'],
    [
      'a provider of the installation',
      'x',
      { targets: [{ model: 'house/small' }] },
      400,
      'unknown_target',
      '/targets/0/model',
    ],
    [
      'an unknown fallback',
      'x',
      { targets: [{ model: 'mine/a' }], fallback: [{ model: 'no/b' }] },
      400,
      'unknown_target',
      '/fallback/0/model',
    ],
    ['a name of the installation', 'common', { targets: [{ model: 'mine/a' }] }, 409, 'route_of_installation', ''],
    ['a name in its body', 'x', { name: 'y', targets: [{ model: 'mine/a' }] }, 400, 'invalid_body', '/name'],
    [
      'a negative weight',
      'x',
      { targets: [{ model: 'mine/a', weight: -1 }] },
      400,
      'invalid_body',
      '/targets/0/weight',
    ],
    [
      'a hedge of no time',
      'x',
      { targets: [{ model: 'mine/a' }], hedge: { afterMs: 0 } },
      400,
      'invalid_body',
      '/hedge/afterMs',
    ],
    [
      'a probe without rest',
      'x',
      { targets: [{ model: 'mine/a' }], probe: { everyMs: 1 } },
      400,
      'invalid_body',
      '/probe/everyMs',
    ],
    ['a hostile name', '..%2f..', { targets: [{ model: 'mine/a' }] }, 400, 'invalid_path', '/name'],
    [
      'too many targets',
      'x',
      { targets: Array.from({ length: 51 }, () => ({ model: 'mine/a' })) },
      400,
      'invalid_body',
      '/targets',
    ],
  ])('refuses %s', async (_, name, body, status, code, pointer) => {
    const answer = await put(name, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    if (pointer !== '') expect(answer.body.errors?.map((error) => error.pointer)).toContain(pointer);
  });

  it('is changed by admins only', async () => {
    const editor = await system.key('acme', 'editor');
    expect((await put('x', { targets: [{ model: 'mine/a' }] }, editor)).status).toBe(403);
    expect((await send('DELETE', '/v1/routes/private', editor)).status).toBe(403);
    expect((await send('PUT', '/v1/prices', editor, { items: [] })).status).toBe(403);
    expect((await send('DELETE', '/v1/routes/common', admin)).body.code).toBe('route_of_installation');
  });
});

describe('/v1/prices', () => {
  const price = { model: 'mine/small', inputUsdPerMillion: 2000, outputUsdPerMillion: 1000 };

  it('price the models of own providers from then on, for nobody else', async () => {
    const payer = await system.key('payer', 'admin');
    const paying = system.client(payer);
    await paying.models.putProvider({ name: 'mine', kind: 'openai-compatible', baseUrl: provider.baseUrl });
    await call('mine/small', openAi(payer));
    expect((await paying.models.readUsage()).items).toMatchObject([{ costUsd: 0 }]);
    const later = { ...price, from: '2099-01-01', inputUsdPerMillion: 9 };
    const { items } = await paying.models.setPrices({ items: [later, price] });
    expect(items.map(({ model, from, origin }) => [model, from, origin])).toEqual([
      ['house/small', undefined, 'installation'],
      ['mine/small', undefined, 'tenant'],
      ['mine/small', '2099-01-01', 'tenant'],
    ]);
    await call('mine/small', openAi(payer));
    expect((await paying.models.readUsage()).items).toMatchObject([{ completions: 2, costUsd: 0.029 }]);
    await paying.models.setBudget({ usdPerMonth: 0.03 });
    await expect(call('mine/small', openAi(payer))).rejects.toMatchObject({ status: 429, code: 'insufficient_quota' });
    await paying.models.setPrices({ items: [] });
    await call('mine/small', openAi(payer));
    expect((await api.models.listPrices()).items.map(({ model }) => model)).toEqual(['house/small']);
  });

  it.each<[string, unknown[], string]>([
    ['of the installation’s models', [{ ...price, model: 'house/small' }], 'price_of_installation'],
    ['that are said twice', [price, price], 'repeated_price'],
    ['below nothing', [{ ...price, inputUsdPerMillion: -1 }], 'invalid_body'],
    ['from no day', [{ ...price, from: 'tomorrow' }], 'invalid_body'],
    ['too many of them', Array.from({ length: 1_001 }, () => price), 'invalid_body'],
  ])('are refused %s', async (_, items, code) => {
    const answer = await send('PUT', '/v1/prices', admin, { items });
    expect([answer.status, answer.body.code]).toEqual([400, code]);
  });

  it('let a route that hedges bill both calls where everybody can see it', async () => {
    const hedger = await system.key('hedger', 'admin');
    const hedging = system.client(hedger);
    await hedging.models.putProvider({ name: 'mine', kind: 'openai-compatible', baseUrl: provider.baseUrl });
    const prices = ['mine/hostile:silence', 'mine/small'].map((model) => ({ ...price, model }));
    await hedging.models.setPrices({ items: prices });
    await hedging.models.putModelRoute('quick', {
      strategy: 'cheapest',
      targets: [{ model: 'mine/hostile:silence' }],
      fallback: [{ model: 'mine/small' }],
      hedge: { afterMs: 50 },
    });
    expect((await call('route:quick', openAi(hedger))).model).toBe('mine/small');
    // The call that lost may have been billed: all that it could have cost is in the ledger.
    const rows = await eventually(async () => {
      const { items } = await hedging.models.readUsage();
      return items.length === 2 ? items : false;
    });
    expect(rows.find(({ model }) => model === 'mine/small')).toMatchObject({ completions: 1, costUsd: 0.029 });
    const lost = rows.find(({ model }) => model === 'mine/hostile:silence');
    expect(lost).toMatchObject({ completions: 0, otherAttempts: 1 });
    expect(lost?.costUsd).toBeGreaterThan(0.02);
  });

  it('let a route go to the cheapest of a tenant’s models', async () => {
    const items = [
      { ...price, model: 'mine/dear' },
      { ...price, model: 'mine/cheap', inputUsdPerMillion: 1, outputUsdPerMillion: 1 },
    ];
    await api.models.setPrices({ items });
    await api.models.putModelRoute('saving', { strategy: 'cheapest', targets: items.map(({ model }) => ({ model })) });
    await call('mine/cheap');
    for (let times = 0; times < 5; times++) expect((await call('route:saving')).model).toBe('mine/cheap');
  });

  it('let only so many calls at once through to a target, and tell the others to come back', async () => {
    await api.models.putModelRoute('narrow', {
      targets: [{ model: 'mine/hostile:stalls-midway', limits: { concurrency: 10, sharedConcurrency: 2 } }],
      rounds: 1,
    });
    const before = provider.requests.length;
    const caller = new AbortController();
    const body = { model: 'route:narrow', messages };
    const calls = Array.from({ length: 2 }, () =>
      client.chat.completions.create(body, { signal: caller.signal }).catch(() => undefined),
    );
    await eventually(() => provider.requests.length === before + 2);
    await expect(call('route:narrow')).rejects.toMatchObject({ status: 429, code: 'route_busy' });
    caller.abort();
    await Promise.all(calls);
    // Both slots come back.
    await eventually(
      async () => (await call('route:narrow').catch((error: { code: string }) => error.code)) !== 'route_busy',
    );
  });
});
