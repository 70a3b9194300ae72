/** Reranking over HTTP, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answersJson, answersStatus, hangs, startScriptedProvider, type ScriptedProvider } from '@millrace/testing';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestSystem } from '../host/system.fixture.js';

let provider: ScriptedProvider;
let system: TestSystem;
let admin: string;

beforeAll(async () => {
  provider = await startScriptedProvider();
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  const here = `{ name: here, kind: openai-compatible, baseUrl: "${provider.baseUrl}" }`;
  const elsewhere = `{ name: elsewhere, kind: anthropic, baseUrl: "${provider.baseUrl}" }`;
  writeFileSync(
    file,
    `providers: [${here}, ${elsewhere}]\nprices: [{ model: here/ranker, inputUsdPerMillion: 1000, outputUsdPerMillion: 0 }]\n`,
  );
  system = await TestSystem.start({ MILLRACE_LLM_MODELS_FILE: file, MILLRACE_LLM_TOTAL_TIMEOUT_MS: '1000' });
  admin = await system.key('acme', 'admin');
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider.stop();
});

const request = {
  model: 'here/ranker',
  query: 'Where do herons fish?',
  texts: ['Bees swarm.', 'Herons fish.', 'It rains.'],
};
const ranks = (...results: readonly (readonly [index: number, score: number])[]) =>
  answersJson({
    results: results.map(([index, score]) => ({ index, relevance_score: score })),
    usage: { total_tokens: 30 },
  });

describe('/v1/rerank', () => {
  it('orders texts by their scores, and is paid for as other calls are', async () => {
    const payer = await system.key('payer', 'admin');
    const client = system.client(payer);
    provider.script(ranks([0, 0.1], [1, 0.9], [2, 0.1]));
    const { items, model, usage } = await client.models.rerank(request);
    expect(items).toEqual([
      { index: 1, score: 0.9 },
      { index: 0, score: 0.1 },
      { index: 2, score: 0.1 },
    ]);
    expect([model, usage.promptTokens, usage.costUsd]).toEqual(['here/ranker', 30, 0.03]);
    expect(provider.requests.at(-1)).toMatchObject({
      path: '/v1/rerank',
      body: { model: 'ranker', query: request.query, documents: request.texts },
    });
    expect((await client.models.rerank({ ...request, top: 1 })).items).toEqual([{ index: 1, score: 0.9 }]);
    expect((await client.models.readUsage()).items).toMatchObject([{ completions: 2, costUsd: 0.06 }]);
    await client.models.setBudget({ usdPerMonth: 0.061 });
    await expect(client.models.rerank(request)).rejects.toMatchObject({ code: 'budget_exceeded' });
  });

  it.each([
    ['too few', ranks([0, 1])],
    ['one twice', ranks([0, 1], [0, 1], [1, 1])],
    ['one that there is not', ranks([0, 1], [1, 1], [7, 1])],
    ['none', answersJson({ data: [] })],
  ])('takes no ranking of %s', async (_, behaviour) => {
    provider.script(behaviour);
    expect(await system.call('/v1/rerank', admin, request)).toMatchObject({
      status: 503,
      body: { code: 'provider_invalid_response' },
    });
  });

  it('says what a server refused, and gives up on one that is silent', async () => {
    provider.script(answersStatus(404));
    expect(await system.call('/v1/rerank', admin, request)).toMatchObject({
      body: { code: 'provider_rejected_request' },
    });
    provider.script(hangs);
    expect(await system.call('/v1/rerank', admin, request)).toMatchObject({ body: { code: 'provider_timeout' } });
  });

  it.each<[string, object, number, string]>([
    ['a provider that ranks nothing', { model: 'elsewhere/x' }, 400, 'no_reranking'],
    ['an unknown model', { model: 'nobody/x' }, 400, 'unknown_model'],
    ['no texts', { texts: [] }, 400, 'invalid_body'],
    ['too many texts', { texts: Array.from({ length: 1_001 }, () => 'a') }, 400, 'invalid_body'],
    ['no query', { query: '' }, 400, 'invalid_body'],
    ['the best none', { top: 0 }, 400, 'invalid_body'],
    ['a key of somebody else', { keyId: 'x' }, 400, 'invalid_body'],
  ])('refuses %s', async (_, more, status, code) => {
    expect(await system.call('/v1/rerank', admin, { ...request, ...more })).toMatchObject({ status, body: { code } });
  });
});
