import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { answers, eventually, hangs, type ScriptedProvider, startScriptedProvider } from '@millrace/testing';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Workbench } from '../command-line.fixture.js';
import { goodFiles, writeFiles } from '../documents/documents.fixture.js';

const workbench = new Workbench();
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
  writeFiles(join(workbench.folder, 'docs'), goodFiles);
});
afterAll(async () => {
  await provider.stop();
  workbench[Symbol.dispose]();
});

const secret = 'sk-canary-4f1d2c';
const demo = (...flags: string[]) =>
  workbench.millrace(['demo', '--docs', 'docs', '--topic', 'The tide in harbours', '--out', 'a.md', ...flags], {
    MILLRACE_LLM_BASE_URL: provider.baseUrl,
    MILLRACE_LLM_API_KEY: secret,
    MILLRACE_LLM_MODEL: 'tide-writer-2',
    MILLRACE_LLM_PROMPT_USD_PER_MILLION: '1000',
  });

const description =
  'How the tide lifts the boats of a harbour that falls dry, and what a tide table says about it to those who sail.';
const outline = {
  title: 'The tide in harbours',
  description,
  sections: [
    { heading: 'Tidal harbours', query: 'tidal harbour' },
    { heading: 'Tide tables', query: 'tide table' },
  ],
};
const article = {
  title: 'The tide in harbours',
  description,
  markdown: `# The tide in harbours

The tide rises and falls twice a day [1]. Boats were invented by Poseidon [99].

## Tidal harbours

A harbour that falls dry at low tide is called a tidal harbour [2]. It is always full [0].

## Tide tables

A tide table says when the tide is high [1][98].
`,
};

describe('the demo with a model', () => {
  it('names the model, counts what it cost, and lets no invented source into the article', async () => {
    provider.script(answers(JSON.stringify(outline)), answers(JSON.stringify(article)));
    const { code, out, error } = await demo('--json').result();
    expect(code).toBe(0);
    const document = JSON.parse(out) as {
      model: string;
      article: { markdown: string };
      citations: { marker: number }[];
      usage: object;
      steps: { kind: string }[];
    };
    expect(document.model).toBe('openai-compatible/tide-writer-2');
    expect(document.article.markdown).not.toMatch(/\[(99|98|0)\]/);
    const markers = [...document.article.markdown.matchAll(/\[(\d+)\]/g)].map(([, marker]) => Number(marker));
    expect([...new Set(markers)].sort()).toEqual(document.citations.map(({ marker }) => marker));
    const calls = provider.requests.length;
    expect(document.steps.filter(({ kind }) => kind === 'llm')).toHaveLength(calls);
    expect(document.usage).toEqual({
      promptTokens: 11 * calls,
      completionTokens: 7 * calls,
      costUsd: expect.closeTo((11 * calls * 1000) / 1e6, 6),
    });
    expect(provider.requests.every(({ headers }) => headers.authorization === `Bearer ${secret}`)).toBe(true);
    expect(out + error).not.toContain(secret);
  }, 120_000);

  it('lets go of the model when it is interrupted', async () => {
    const before = provider.requests.length;
    provider.script(hangs);
    const running = demo();
    await eventually(() => provider.requests.length > before, { timeoutMs: 60_000, describe: 'the model is asked' });
    await running.kill('SIGINT');
    expect(await running.result()).toMatchObject({ code: 130 });
    await eventually(() => provider.abandoned === 1);
    expect(readdirSync(workbench.temporaryFolder)).toEqual([]);
  }, 120_000);

  it('says which variable is wrong before anything starts', async () => {
    const { code, error } = await workbench
      .millrace(['demo', '--docs', 'docs'], { MILLRACE_LLM_MODEL: 'alone', MILLRACE_HTTP_MAX_STREAMS: '5' })
      .result();
    expect(code).toBe(1);
    expect(error).toContain('MILLRACE_LLM_BASE_URL: is not set, but MILLRACE_LLM_MODEL is');
    expect(readdirSync(workbench.temporaryFolder)).toEqual([]);
  });
});
