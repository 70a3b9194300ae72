/** The whole system with a model in its own process, called by OpenAI's client and by a run. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tinyGguf } from '@millrace/testing';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { TestSystem } from '../host/system.fixture.js';

describe('a model of MILLRACE_GGUF', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-gguf-'));
  let system: TestSystem;
  let client: OpenAI;
  let key: string;
  beforeAll(async () => {
    const library = process.env['MILLRACE_TEST_LLAMA'];
    if (library === undefined)
      throw new Error('This needs node-llama-cpp: npm run test:gguf installs it and runs this.');
    const file = join(folder, 'tiny.gguf');
    writeFileSync(file, tinyGguf());
    const variables = { MILLRACE_GGUF: file, MILLRACE_GGUF_LIBRARY: library, MILLRACE_GGUF_THREADS: '1' };
    system = await TestSystem.start({ ...variables, MILLRACE_GGUF_CONTEXT_TOKENS: '2048' });
    key = await system.key('acme', 'admin');
    client = new OpenAI({ baseURL: `${system.url}/openai/v1`, apiKey: key, maxRetries: 0 });
  }, 180_000);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const messages = [{ role: 'user' as const, content: 'Where do herons fish?' }];
  const schema = {
    type: 'object',
    properties: { kind: { enum: ['bird', 'fish'] }, wild: { type: 'boolean' } },
    required: ['kind', 'wild'],
    additionalProperties: false,
  };

  it('is listed, streams, and costs nothing', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toContain('gguf/tiny');
    const stream = await client.chat.completions.create({
      model: 'gguf/tiny',
      messages,
      max_tokens: 16,
      stream: true,
      stream_options: { include_usage: true },
    });
    let pieces = 0;
    let usage: unknown;
    for await (const chunk of stream) {
      if ((chunk.choices[0]?.delta.content ?? '') !== '') pieces += 1;
      usage = chunk.usage ?? usage;
    }
    expect(pieces).toBeGreaterThan(1);
    expect(usage).toMatchObject({ completion_tokens: expect.any(Number) });
    const spent = await system.call<{ items: { model: string; costUsd: number }[] }>('/v1/usage', key);
    expect(spent.body.items).toEqual([expect.objectContaining({ model: 'gguf/tiny', costUsd: 0 })]);
  });

  it('writes JSON of a schema, and vectors', async () => {
    const completion = await client.chat.completions.create({
      model: 'gguf/tiny',
      messages,
      max_tokens: 200,
      response_format: { type: 'json_schema', json_schema: { name: 'animal', schema } },
    });
    const animal = JSON.parse(completion.choices[0]?.message.content ?? '') as Record<string, unknown>;
    expect(['bird', 'fish']).toContain(animal['kind']);
    const { data } = await client.embeddings.create({ model: 'gguf/tiny', input: ['Herons fish.', 'Bees swarm.'] });
    expect(data.map(({ embedding }) => embedding.length)).toEqual([64, 64]);
  });

  it('answers the steps of runs that name no model', async () => {
    const graph = {
      apiVersion: 'millrace/v1' as const,
      kind: 'Graph' as const,
      metadata: { name: 'animal' },
      nodes: [{ id: 'animal', kind: 'llm', with: { messages, answer: { schema }, maxTokens: 200 } }],
      output: { json: '${{ nodes.animal.output.json }}', model: '${{ nodes.animal.output.model }}' },
    };
    const run = await system.client(key).startRun({ graph, input: {} }, { waitSeconds: 30 });
    expect(run).toMatchObject({
      status: 'completed',
      output: { model: 'gguf/tiny', json: { wild: expect.any(Boolean) } },
    });
  });

  it('keeps its name, and knows no other model', async () => {
    const taken = { name: 'gguf', kind: 'openai-compatible', baseUrl: 'http://127.0.0.1:9/v1' };
    expect((await system.call('/v1/providers', key, taken)).body).toMatchObject({ code: 'provider_of_installation' });
    const other = client.chat.completions.create({ model: 'gguf/other', messages });
    await expect(other).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('says what a prompt may have when it has more', async () => {
    const long = [{ role: 'user' as const, content: 'z'.repeat(4_000) }];
    await expect(client.chat.completions.create({ model: 'gguf/tiny', messages: long })).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('MILLRACE_GGUF_CONTEXT_TOKENS'),
    });
  });
});
