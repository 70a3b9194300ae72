/** Routes, prices, rankings and usage by the command line, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answers, answersJson, type ScriptedProvider, startScriptedProvider } from '@millrace/testing';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestSystem } from '../host/system.fixture.js';
import { type Shown, type } from '../terminal/captured-terminal.fixture.js';

let provider: ScriptedProvider;
let system: TestSystem;
let keys: Readonly<Record<'admin' | 'viewer' | 'stranger', string>>;
beforeAll(async () => {
  provider = await startScriptedProvider();
  const file = join(mkdtempSync(join(tmpdir(), 'models-')), 'models.yaml');
  const lines = [
    `providers: [{ name: house, kind: openai-compatible, baseUrl: "${provider.baseUrl}" }]`,
    'routes: [{ name: common, targets: [{ model: house/small }] }]',
    'prices: [{ model: house/small, inputUsdPerMillion: 1000, outputUsdPerMillion: 1000 }]',
  ];
  writeFileSync(file, lines.join('\n'));
  system = await TestSystem.start({
    MILLRACE_LLM_MODELS_FILE: file,
    MILLRACE_LLM_PROVIDER_HOSTS: new URL(provider.baseUrl).host,
  });
  keys = {
    admin: await system.key('acme', 'admin'),
    viewer: await system.key('acme', 'viewer'),
    stranger: await system.key('other', 'admin'),
  };
  const mine = { name: 'mine', kind: 'openai-compatible' as const, baseUrl: provider.baseUrl };
  await system.client(keys.admin).models.putProvider(mine);
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider.stop();
});

const as = (who: keyof typeof keys, ...words: string[]): Promise<Shown> =>
  type(words, {
    folder: system.folder,
    environment: { MILLRACE_URL: system.url, MILLRACE_API_KEY: keys[who] },
  });
const millrace = (...words: string[]): Promise<Shown> => as('admin', ...words);
const jsonOf = async (...words: string[]): Promise<unknown> => JSON.parse((await millrace(...words, '--json')).out);
const fileOf = (name: string, content: unknown): string => {
  writeFileSync(join(system.folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
};

describe('millrace routes', () => {
  it('puts, lists and deletes them', async () => {
    const put = await millrace('routes', 'put', 'mine', '--target', 'mine/a', 'mine/b', '--fallback', 'mine/c');
    expect(put).toMatchObject({ code: 0, error: '', out: 'route:mine goes to mine/a, mine/b.\n' });
    const { out } = await millrace('routes', 'list');
    expect(out).toMatch(/route:common[ │]+weighted[ │]+house\/small[ │]+installation/);
    expect(out).toMatch(/route:mine[ │]+weighted[ │]+mine\/a, mine\/b[ │]+mine\/c[ │]+tenant/);
    const file = fileOf('route.json', { strategy: 'fastest', targets: [{ model: 'mine/a', weight: 2 }] });
    expect(await jsonOf('routes', 'put', 'mine', file)).toMatchObject({
      name: 'mine',
      strategy: 'fastest',
      fallback: [],
    });
    expect(await jsonOf('routes', 'list')).toMatchObject([{ name: 'common' }, { name: 'mine', strategy: 'fastest' }]);
    expect((await as('stranger', 'routes', 'list')).out).not.toContain('route:mine');
    expect(await as('stranger', 'routes', 'delete', 'mine')).toMatchObject({ code: 1, out: '' });
    expect(await millrace('routes', 'delete', 'mine')).toMatchObject({ code: 0, out: 'route:mine is forgotten.\n' });
    expect((await millrace('routes', 'delete', 'mine')).error).toContain('(unknown_model_route)');
  });

  it.each<[string, string[], string]>([
    ['neither models nor a file', [], '--target'],
    ['both', ['route.json', '--target', 'mine/a'], 'not both'],
    ['a file and a strategy', ['route.json', '--strategy', 'fastest'], '--strategy'],
    ['what is no model', ['--target', 'a'], '/targets/0/model: must be PROVIDER/MODEL'],
    ['a file that is not there', ['none.json'], '(unreadable_file)'],
    ['a file without JSON', ['broken.json'], 'broken.json is not JSON'],
    ['a file with a mistake', ['wrong.json'], '/hedge'],
    ['a provider of others', ['--target', 'house/small'], '/targets/0/model: is of no provider of your own'],
  ])('refuses %s', async (_, words, reason) => {
    fileOf('broken.json', '{"targets": [');
    fileOf('wrong.json', { targets: [{ model: 'mine/a' }], hedge: 7 });
    const shown = await millrace('routes', 'put', 'x', ...words);
    expect(shown).toMatchObject({ code: 1, out: '', error: expect.stringContaining(reason) });
  });

  it('refuses who may not, and routes of the installation', async () => {
    expect((await as('viewer', 'routes', 'put', 'x', '--target', 'mine/a')).error).toContain('(role_too_low)');
    expect((await millrace('routes', 'put', 'common', '--target', 'mine/a')).error).toContain(
      '(route_of_installation)',
    );
    const { code, out } = await millrace('routes', 'put', 'Bad Name', '--target', 'mine/a', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([1, { error: { code: expect.stringMatching(/^invalid_/) } }]);
  });
});

describe('millrace prices', () => {
  it('puts one beside the others, and all by a file', async () => {
    const first = await millrace('prices', 'put', '--model', 'mine/a', '--input', '0.25', '--output', '2');
    expect(first).toMatchObject({ code: 0, error: '' });
    expect(first.out).toMatch(/mine\/a[ │]+always[ │]+0\.25[ │]+0\.25[ │]+2[ │]+tenant/);
    const later = ['--from', '2030-01-01', '--cached', '0.1', '--input', '1', '--output', '3'];
    await millrace('prices', 'put', '--model', 'mine/a', ...later);
    await millrace('prices', 'put', '--model', 'mine/a', '--input', '0.5', '--output', '2');
    const all = (await jsonOf('prices', 'list')) as { readonly model: string; readonly from?: string }[];
    expect(all.filter(({ model }) => model === 'mine/a')).toMatchObject([
      { inputUsdPerMillion: 0.5 },
      { from: '2030-01-01', cachedInputUsdPerMillion: 0.1 },
    ]);
    expect(all).toContainEqual(expect.objectContaining({ model: 'house/small', origin: 'installation' }));
    const file = fileOf('prices.json', { items: [{ model: 'mine/b', inputUsdPerMillion: 1, outputUsdPerMillion: 1 }] });
    const replaced = (await millrace('prices', 'put', file)).out;
    expect([replaced.includes('mine/a'), replaced.includes('mine/b')]).toEqual([false, true]);
    expect((await as('stranger', 'prices', 'list')).out).not.toContain('mine/b');
  });

  it.each<[string, string[], string]>([
    ['nothing', [], '--model'],
    ['half a price', ['--model', 'mine/a', '--input', '1'], '--output'],
    ['a file and a price', ['prices.json', '--model', 'mine/a'], 'Name a file'],
    ['no day', ['--model', 'mine/a', '--input', '1', '--output', '1', '--from', 'soon'], '/from'],
    ['a model of others', ['--model', 'house/small', '--input', '1', '--output', '1'], '(price_of_installation)'],
  ])('refuses %s', async (_, words, reason) => {
    const shown = await millrace('prices', 'put', ...words);
    expect(shown).toMatchObject({ code: 1, out: '', error: expect.stringContaining(reason) });
  });
});

describe('millrace rerank', () => {
  const texts = ['Bees swarm.', 'Herons fish.'];
  const ranks = (...scores: readonly number[]) =>
    answersJson({
      results: scores.map((score, index) => ({ index, relevance_score: score })),
      usage: { total_tokens: 30 },
    });

  it('shows the best first, of words and of a file', async () => {
    provider.script(ranks(0.1, 0.9));
    const shown = await millrace('rerank', 'Who fishes?', ...texts, '--model', 'house/ranker');
    expect(shown).toMatchObject({ code: 0, error: '', out: '0.9000  [1] Herons fish.\n0.1000  [0] Bees swarm.\n' });
    const file = fileOf('texts.json', texts);
    const best = await jsonOf('rerank', 'Who fishes?', '--model', 'house/ranker', '--file', file, '--top', '1');
    expect(best).toMatchObject({ items: [{ index: 1, score: 0.9 }], model: 'house/ranker' });
  });

  it.each<[string, string[], string]>([
    ['no texts', [], '--file'],
    ['texts and a file', ['a text', '--file', 'texts.json'], '--file'],
    ['a file that holds no texts', ['--file', 'numbers.json'], '/0'],
    ['no texts in a file', ['--file', 'empty.json'], '/texts'],
  ])('refuses %s', async (_, words, reason) => {
    fileOf('numbers.json', [1]);
    fileOf('empty.json', []);
    const shown = await millrace('rerank', 'Who fishes?', '--model', 'house/ranker', ...words);
    expect(shown).toMatchObject({ code: 1, out: '', error: expect.stringContaining(reason) });
  });

  it('says what the model refused', async () => {
    expect((await millrace('rerank', 'Who?', 'a', '--model', 'nobody/x')).error).toContain('(unknown_model)');
  });
});

describe('millrace usage', () => {
  it('shows what was asked, and what it cost', async () => {
    provider.script(answers('Well.'));
    expect(await as('stranger', 'usage')).toMatchObject({ code: 0, out: 'Nothing was asked in this time.\n' });
    const messages = [{ role: 'user', content: 'Why?' }];
    await system.call('/openai/v1/chat/completions', keys.stranger, { model: 'house/small', messages });
    const { out } = await as('stranger', 'usage', '--model', 'house/small');
    expect(out).toMatch(/\d{4}-\d\d-\d\d[ │]+house\/small[ │]+\w+[ │]+1[ │]+0[ │]+11[ │]+0[ │]+7[ │]+0\.018000/);
    expect(out).toContain('Together 0.018000 US dollars.');
    expect(await as('stranger', 'usage', '--model', 'other/x')).toMatchObject({
      out: 'Nothing was asked in this time.\n',
    });
    const rows = JSON.parse((await as('stranger', 'usage', '--json')).out) as unknown;
    expect(rows).toMatchObject([{ completions: 1, costUsd: 0.018 }]);
    expect((await millrace('usage')).out).not.toContain('0.018000');
  });

  it('refuses what is no time and no key', async () => {
    expect((await millrace('usage', '--from', 'yesterday')).error).toMatch(/\/from.*\n/);
    expect((await millrace('usage', '--key', '../x')).error).toContain('/key: must be the id of a key');
    const backwards = await millrace('usage', '--from', '2026-02-01', '--to', '2026-01-01');
    expect(backwards).toMatchObject({ code: 1, error: expect.stringContaining('(invalid_period)') });
  });
});
