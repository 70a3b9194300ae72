import { describe, expect, it } from '@jest/globals';
import { readModelsFile } from './models-file.js';

const environment = { OPENAI_KEY: 'sk-canary-1', EMPTY: '' };
const file = `
default: openai/gpt-5-mini
providers:
  - { name: openai, kind: openai, apiKeyVariable: OPENAI_KEY, models: [gpt-5-mini] }
  - { name: here, kind: openai-compatible, baseUrl: "http://127.0.0.1:11434/v1", concurrency: 2 }
prices:
  - { model: openai/gpt-5-mini, from: 2026-01-01, inputUsdPerMillion: 0.25, cachedInputUsdPerMillion: 0.025, outputUsdPerMillion: 2 }
`;

describe('the file of models', () => {
  it('holds providers with keys from the environment, prices, and a default', () => {
    expect(readModelsFile(file, environment)).toEqual({
      defaultModel: 'openai/gpt-5-mini',
      providers: [
        {
          name: 'openai',
          kind: 'openai',
          baseUrl: 'https://api.openai.com/v1',
          apiKey: 'sk-canary-1',
          models: ['gpt-5-mini'],
          concurrency: 16,
        },
        {
          name: 'here',
          kind: 'openai-compatible',
          baseUrl: 'http://127.0.0.1:11434/v1',
          apiKey: null,
          models: [],
          concurrency: 2,
        },
      ],
      prices: [
        {
          model: 'openai/gpt-5-mini',
          from: '2026-01-01',
          inputUsdPerMillion: 0.25,
          cachedInputUsdPerMillion: 0.025,
          outputUsdPerMillion: 2,
        },
      ],
      routes: [],
    });
  });

  it('holds routes, with what they leave out', () => {
    const route = 'routes: [{ name: writing, targets: [{ model: a/m, limits: { tokensPerMinute: 5 } }] }]';
    expect(readModelsFile(`providers: [{ name: a, kind: groq }]\n${route}`, {}).routes).toEqual([
      {
        name: 'writing',
        strategy: 'weighted',
        targets: [{ model: 'a/m', weight: 1, limits: { concurrency: 16, tokensPerMinute: 5 }, timeout: {} }],
        fallback: [],
        rounds: 2,
        queue: { size: 100, deadlineMs: 10_000 },
      },
    ]);
  });

  it('may be empty', () => {
    expect(readModelsFile('{}', {})).toEqual({ defaultModel: null, providers: [], prices: [], routes: [] });
  });

  it.each([
    ['no YAML', 'providers: [', ''],
    ['a key in it', 'providers: [{ name: a, kind: openai, apiKey: sk-canary-2 }]', '/providers/0/apiKey'],
    ['no address', 'providers: [{ name: a, kind: openai-compatible }]', '/providers/0/baseUrl'],
    ['an unset key', 'providers: [{ name: a, kind: openai, apiKeyVariable: NO_KEY }]', '/providers/0/apiKeyVariable'],
    ['an empty key', 'providers: [{ name: a, kind: openai, apiKeyVariable: EMPTY }]', '/providers/0/apiKeyVariable'],
    ['a name twice', 'providers: [{ name: a, kind: openai }, { name: a, kind: groq }]', '/providers/1/name'],
    ['a password', 'providers: [{ name: a, kind: openai, baseUrl: "https://u:p@x.io" }]', '/providers/0/baseUrl'],
    [
      'a negative price',
      'prices: [{ model: a/b, inputUsdPerMillion: -1, outputUsdPerMillion: 1 }]',
      '/prices/0/inputUsdPerMillion',
    ],
    [
      'no date',
      'prices: [{ model: a/b, from: soon, inputUsdPerMillion: 1, outputUsdPerMillion: 1 }]',
      '/prices/0/from',
    ],
  ])('refuses %s, with its place and no secret', (_, text, pointer) => {
    let thrown: unknown;
    try {
      readModelsFile(text, environment);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'invalid_configuration' });
    const { message, violations } = thrown as Error & { violations: { pointer: string }[] };
    expect(violations.map((violation) => violation.pointer)).toContain(pointer);
    expect(message).not.toContain('sk-canary');
  });
});
