import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  eventually,
  misbehaviours,
  startScriptedProvider,
  type Misbehaviour,
  type ScriptedProvider,
} from '@millrace/testing';
import { ProviderCompletionModel } from '../completion/provider-completion-model.js';
import { openProvider } from './open-provider.js';
import { ProviderModel } from './provider-model.js';

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider.stop());

async function ask(name: string): Promise<unknown> {
  const open = await openProvider({ kind: 'openai-compatible', baseUrl: provider.baseUrl, apiKey: 'sk-canary' });
  const model = new ProviderModel({
    name: 'spec/hostile',
    provider: 'openai-compatible',
    model: open.language(name),
    timeouts: { firstTokenMs: 300, idleMs: 300, totalMs: 20_000 },
    concurrency: 1,
    queue: 0,
    maxTokens: 200,
  });
  const messages = [{ role: 'user' as const, content: 'Where do herons fish?' }];
  const request = { prompt: null, messages, evidence: [], answer: { kind: 'text' as const } };
  const context = { signal: new AbortController().signal, emit: () => undefined };
  return new ProviderCompletionModel(model).complete(request, context).catch((error: unknown) => error);
}

/** What a caller gets for each misbehaviour: one error of ours, or an answer in which the mischief left no trace. */
const expected: Readonly<Record<Misbehaviour, object>> = {
  'rate-limit': { code: 'provider_rate_limited', retryable: true, retryAfterSeconds: 1 },
  'server-error': { code: 'provider_unavailable', retryable: true },
  refuses: { code: 'provider_unavailable', retryable: true },
  silence: { code: 'provider_timeout', retryable: true },
  'stalls-midway': { code: 'provider_timeout', retryable: true },
  'half-a-stream': { code: 'provider_stream_cut', retryable: true },
  'no-end': { code: 'provider_stream_cut', retryable: true },
  'error-inside': { code: 'provider_unavailable', retryable: true },
  'broken-json': { code: 'provider_invalid_response', retryable: true },
  'cut-tool-arguments': { code: 'provider_invalid_response', retryable: true },
  'endless-tokens': { code: 'provider_answer_too_long', retryable: false },
  'wrong-usage': { usage: { promptTokens: 6, completionTokens: 8 } },
  'no-usage': { usage: { promptTokens: 6, completionTokens: 6 } },
  'content-filter': { code: 'provider_refused_content', retryable: false },
  'every-frame-twice': { text: 'Said Said twice.twice.', usage: { promptTokens: 11, completionTokens: 7 } },
  'long-line': { code: 'provider_invalid_response', retryable: true },
  obedient: { text: 'Nothing was asked of me.', finishReason: 'stop' },
};

describe('the hostile provider', () => {
  it.each(Object.keys(misbehaviours) as Misbehaviour[])('%s', async (name) => {
    expect(await ask(`hostile:${name}`)).toMatchObject(expected[name]);
  });

  it('holds no connection that it was left on', async () => {
    const abandoned = provider.abandoned;
    await ask('hostile:stalls-midway');
    await eventually(() => provider.abandoned > abandoned);
  });
});
