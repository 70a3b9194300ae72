import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tinyGguf } from '@millrace/testing';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../config.js';
import { readModelsFile } from '../models/models-file.js';
import { LocalModel, refuseBeyondMemory } from './local-model.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-gguf-'));
const model = join(folder, 'tiny.gguf');
const installed = join(folder, 'installed');
const server = { MILLRACE_LLM_BASE_URL: 'http://127.0.0.1:1/v1', MILLRACE_LLM_MODEL: 'there' };
const here = { MILLRACE_GGUF: model, MILLRACE_GGUF_LIBRARY: installed };

beforeAll(() => {
  writeFileSync(model, tinyGguf());
  writeFileSync(join(folder, 'notes.gguf'), 'no model');
  const library = join(installed, 'node_modules', 'node-llama-cpp');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
  writeFileSync(join(library, 'index.js'), 'throw new Error("libgomp.so.1 is missing");');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('MILLRACE_GGUF', () => {
  it('names the model that answers where no other is configured', () => {
    const config = readConfig(here);
    expect(config).toMatchObject({ defaultModel: 'gguf/tiny', prices: [], providers: [] });
    expect(config.gguf).toMatchObject({ contextTokens: 8_192, concurrency: 1 });
    expect(readConfig({ ...here, ...server }).defaultModel).toBe('openai-compatible/there');
    expect(readConfig({}).gguf).toBeNull();
  });

  it('leaves room in its context beside the evidence', () => {
    expect(readConfig({ ...here, MILLRACE_GGUF_CONTEXT_TOKENS: '2048' }).evidenceCharacters).toBe(3_072);
    expect(readConfig({ ...here, MILLRACE_GGUF_CONTEXT_TOKENS: '1000000' }).evidenceCharacters).toBe(100_000);
    expect(readConfig({ ...here, MILLRACE_LLM_EVIDENCE_CHARACTERS: '5000' }).evidenceCharacters).toBe(5_000);
    expect(readConfig({ ...here, ...server }).evidenceCharacters).toBe(100_000);
  });

  it.each([
    [
      'a file that is not there',
      { ...here, MILLRACE_GGUF: '/no/such.gguf' },
      /MILLRACE_GGUF: names a file that is not/,
    ],
    ['something else', { ...here, MILLRACE_GGUF: join(folder, 'notes.gguf') }, /MILLRACE_GGUF: is no GGUF file/],
    [
      'a model without the library',
      { MILLRACE_GGUF: model, MILLRACE_GGUF_LIBRARY: folder },
      /MILLRACE_GGUF_LIBRARY: .*npm install --prefix .* node-llama-cpp/,
    ],
    ['no answer at once', { ...here, MILLRACE_GGUF_CONCURRENCY: '0' }, /MILLRACE_GGUF_CONCURRENCY/],
    ['no context', { ...here, MILLRACE_GGUF_CONTEXT_TOKENS: 'all' }, /MILLRACE_GGUF_CONTEXT_TOKENS/],
    ['no threads', { ...here, MILLRACE_GGUF_THREADS: '-1' }, /MILLRACE_GGUF_THREADS/],
  ])('refuses %s and says what to do', (_, environment, message) => {
    expect(() => readConfig(environment)).toThrow(message);
  });

  it('is a target of routes, and its name is taken', () => {
    const route = 'routes: [{ name: writing, targets: [{ model: gguf/tiny }] }]';
    expect(readModelsFile(route, {}, ['gguf']).routes).toHaveLength(1);
    expect(() => readModelsFile(route, {})).toThrow(/is of no provider/);
    const provider = 'providers: [{ name: gguf, kind: openai-compatible, baseUrl: "http://127.0.0.1/v1" }]';
    expect(() => readModelsFile(provider, {}, ['gguf'])).toThrow(/taken by MILLRACE_GGUF/);
    expect(readModelsFile(provider, {}).providers).toHaveLength(1);
  });

  it('says why a library that is there does not load', async () => {
    const { gguf } = readConfig(here);
    if (gguf === null) throw new Error('no model');
    await expect(LocalModel.open(gguf, () => undefined)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('libgomp.so.1 is missing'),
    });
  });

  it('refuses what is larger than the memory', () => {
    expect(() => refuseBeyondMemory(40e9, 16e9)).toThrow(/40.0 GB.* 16.0 GB of memory/);
    expect(() => refuseBeyondMemory(4e9, 16e9)).not.toThrow();
  });
});
