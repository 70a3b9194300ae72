import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  articleSchema,
  deleteProvider,
  envelopeOf,
  eventSubject,
  listProviders,
  liveTokensSubject,
  llmTask,
  listBudgets,
  putProvider,
  readUsage,
  runCancelledEvent,
  setBudget,
  type CommandContract,
  type InputOf,
  type LiveToken,
  type ResponseOf,
  type TaskResult,
} from '@millrace/contracts';
import type { DatabaseBackend } from '@millrace/database';
import { newId } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import {
  answers,
  answersStatus,
  backendKinds,
  breaksOffAfter,
  callsTools,
  eventually,
  stallsAfter,
  startScriptedProvider,
  testBackend,
  type Behaviour,
  type ScriptedProvider,
} from '@millrace/testing';
import { sql } from 'kysely';
import { beeEvidence } from './extractive/testing/corpus.js';
import { llmProviderService } from './index.js';
import { migrations } from './schema/migrations/index.js';

jest.setTimeout(60_000);

const [firstKey, secondKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
const replyTo = 'result.1.v1';
type LlmInput = Partial<InputOf<typeof llmTask>>;
const question: LlmInput = {
  messages: [{ role: 'user', content: 'Why do colonies swarm?' }],
  evidence: beeEvidence(),
};

describe.each(backendKinds)('the llm-provider on %s', (kind) => {
  let backend: DatabaseBackend;
  let provider: ScriptedProvider;
  let bus: MessageBus;
  let service: RunningService | undefined;
  let results: { readonly tenantId: string; readonly result: TaskResult }[];

  beforeAll(async () => {
    backend = await testBackend(kind, [{ service: llmProviderService.name, migrations }]);
    provider = await startScriptedProvider();
  });
  afterAll(async () => {
    await provider.stop();
    await backend.close();
  });
  beforeEach(async () => {
    results = [];
    bus = createInProcessBus();
    await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
      results.push({ tenantId: envelope.tenantId, result: envelope.data as TaskResult });
      return Promise.resolve({ applied: true });
    });
  });
  afterEach(async () => {
    await service?.drain({ graceMs: 0 });
    await bus.drain({ graceMs: 0 });
  });

  const start = async (environment: Record<string, string> = {}) => {
    const logger = createLogger({ levels: parseLogLevels('silent') });
    service = await startService(llmProviderService, { environment, bus, backend, logger });
  };
  const startWithProvider = () =>
    start({
      MILLRACE_LLM_BASE_URL: provider.baseUrl,
      MILLRACE_LLM_MODEL: 'scripted',
      MILLRACE_LLM_API_KEY: 'sk-canary',
      MILLRACE_LLM_PROMPT_USD_PER_MILLION: '1000',
      MILLRACE_LLM_COMPLETION_USD_PER_MILLION: '2000',
    });

  /** Sends a task as the orchestrator does; each sending is a message of its own, as after a redelivery. */
  async function send(runId: string, input: LlmInput, tenantId = 'acme'): Promise<void> {
    const task = { taskId: `${runId}:draft:1`, runId, node: 'draft', attempt: 1, input, stream: true, replyTo };
    const context = { tenantId, correlationId: 'req_1', causationId: null };
    await bus.publish({ subject: llmTask.subject, envelope: envelopeOf(llmTask, context, task) });
  }
  const rows = () =>
    backend.asUser(async (user) => (await sql`select * from llm_provider.provider`.execute(user)).rows);
  const resultsOf = (runId: string, count = 1) =>
    eventually(() => {
      const found = results.filter(({ result }) => result.runId === runId);
      return found.length >= count ? found.map(({ result }) => result.outcome) : false;
    });
  const ask = async <C extends CommandContract>(contract: C, data: unknown, tenantId = 'acme') => {
    const context = { tenantId, correlationId: 'req_1', causationId: null };
    const envelope = envelopeOf(contract, context, data);
    return (await bus.request({ subject: contract.subject, envelope })) as ResponseOf<C>;
  };

  it('writes an article without a model, and shows it as it is written', async () => {
    await start();
    const runId = newId('run');
    const tokens: string[] = [];
    await bus.subscribe(liveTokensSubject(runId), ({ envelope }) => {
      tokens.push((envelope.data as LiveToken).text);
    });
    await send(runId, { prompt: 'content/draft@1', variables: { topic: 'Honey bees' }, evidence: beeEvidence() });
    const [outcome] = await resultsOf(runId);
    expect(outcome).toMatchObject({
      status: 'completed',
      output: { model: 'extractive', finishReason: 'stop' },
      usage: { promptTokens: 0, completionTokens: 0, costUsd: 0 },
    });
    const output = llmTask.output.parse(outcome?.status === 'completed' ? outcome.output : null);
    expect(`${tokens.join('')}\n`).toBe(articleSchema.parse(output.json).markdown);
  });

  it('asks the model once, however often a task is delivered', async () => {
    await startWithProvider();
    provider.script(answers('When the brood box is crowded [2].'));
    const before = provider.requests.length;
    const runId = newId('run');
    await send(runId, question);
    const [first] = await resultsOf(runId);
    await send(runId, question);
    const [, second] = await resultsOf(runId, 2);
    expect(provider.requests.length - before).toBe(1);
    expect(second).toEqual(first);
    expect(first).toMatchObject({
      output: { model: 'openai-compatible/scripted', citations: [{ marker: 1, source: 'bees.md' }] },
      usage: { promptTokens: 11, completionTokens: 7, costUsd: 0.025 },
    });
  });

  it('gives tools to the model, and their calls to the run', async () => {
    await startWithProvider();
    const call = { id: 'call_1', name: 'look_up', arguments: '{"query":"swarms"}' };
    provider.script(callsTools(call));
    const runId = newId('run');
    await send(runId, { ...question, evidence: [], tools: [{ name: 'look_up', parameters: { type: 'object' } }] });
    const [outcome] = await resultsOf(runId);
    expect(outcome).toMatchObject({ output: { text: '', finishReason: 'tool-calls', toolCalls: [call] } });
    expect(provider.requests.at(-1)?.body.tools).toHaveLength(1);
  });

  it('answers in JSON of a schema that the task brings', async () => {
    await startWithProvider();
    provider.script(answers('{"reason": "crowding"}'));
    const runId = newId('run');
    const schema = { type: 'object', required: ['reason'], properties: { reason: { type: 'string' } } };
    await send(runId, { ...question, evidence: [], answer: { schema } });
    expect((await resultsOf(runId))[0]).toMatchObject({ output: { json: { reason: 'crowding' } } });
  });

  it('asks the model that the task names, of a file of models', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'models-'));
    const file = join(folder, 'models.yaml');
    await writeFile(
      file,
      `default: here/small
providers: [{ name: here, kind: openai-compatible, baseUrl: "${provider.baseUrl}", apiKeyVariable: HERE_KEY }]
prices: [{ model: here/team/large, inputUsdPerMillion: 1000000, outputUsdPerMillion: 0 }]
routes:
  - name: writing
    targets: [{ model: "here/hostile:server-error", limits: { requestsPerMinute: 1000, tokensPerMinute: 100000 } }]
    fallback: [{ model: here/team/large }]`,
    );
    await start({ MILLRACE_LLM_MODELS_FILE: file, HERE_KEY: 'sk-here' });
    provider.script(answers('Yes.'));
    const [small, large] = [newId('run'), newId('run')];
    await send(small, { ...question, evidence: [] });
    expect((await resultsOf(small))[0]).toMatchObject({ output: { model: 'here/small' }, usage: { costUsd: 0 } });
    await send(large, { ...question, evidence: [], model: 'here/team/large' });
    expect((await resultsOf(large))[0]).toMatchObject({ output: { model: 'here/team/large' }, usage: { costUsd: 11 } });
    expect(provider.requests.slice(-2).map(({ body }) => body.model)).toEqual(['small', 'team/large']);
    const routed = newId('run');
    await send(routed, { ...question, evidence: [], model: 'route:writing' });
    expect((await resultsOf(routed))[0]).toMatchObject({
      output: { model: 'here/team/large' },
      usage: { costUsd: 11 },
    });
    const lost = newId('run');
    await send(lost, { ...question, evidence: [], model: 'route:nowhere' });
    expect((await resultsOf(lost))[0]).toMatchObject({ error: { code: 'unknown_model_route', retryable: false } });
    expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-here');
  });

  describe('money', () => {
    const usd = '100';
    const startPriced = () =>
      start({
        MILLRACE_LLM_BASE_URL: provider.baseUrl,
        MILLRACE_LLM_MODEL: 'scripted',
        MILLRACE_LLM_SLOTS: '50',
        MILLRACE_LLM_CONCURRENCY: '50',
        MILLRACE_LLM_PROMPT_USD_PER_MILLION: usd,
        MILLRACE_LLM_COMPLETION_USD_PER_MILLION: usd,
      });
    const costOfOne = (18 * Number(usd)) / 1_000_000;

    it('never spends more than a budget, with 50 tasks at once that are delivered twice', async () => {
      await startPriced();
      const tenantId = newId('tenant').slice(0, 40);
      provider.script(answers('When the brood box is crowded.'));
      await ask(setBudget, { usdPerMonth: 0.1 }, tenantId);
      const before = provider.requests.length;
      const runs = Array.from({ length: 50 }, () => newId('run'));
      const input = { ...question, evidence: [], maxTokens: 20 };
      await Promise.all([...runs, ...runs].map((runId) => send(runId, input, tenantId)));
      const outcomes = (await Promise.all(runs.map((runId) => resultsOf(runId, 2)))).flat();
      const billed = (provider.requests.length - before) * costOfOne;
      expect(billed).toBeLessThanOrEqual(0.1);
      const [budget] = (await ask(listBudgets, {}, tenantId)).items;
      expect(budget?.spentUsd).toBeCloseTo(billed, 9);
      expect(budget?.reservedUsd).toBe(0);
      const failed = outcomes.filter(({ status }) => status === 'failed');
      expect(failed.length).toBeGreaterThan(0);
      for (const outcome of failed)
        expect(outcome).toMatchObject({ error: { code: 'budget_exceeded', retryable: false } });
      const completed = new Set(
        runs.filter((runId) =>
          results.some(({ result }) => result.runId === runId && result.outcome.status === 'completed'),
        ),
      );
      const [row] = (await ask(readUsage, {}, tenantId)).items;
      expect(row).toMatchObject({ model: 'openai-compatible/scripted', key: null, completions: completed.size });
      // Also what second deliveries cost, whose answers do not stand.
      expect(row?.costUsd).toBeCloseTo(billed, 9);
      expect(row?.otherAttempts).toBe(provider.requests.length - before - completed.size);
    });

    it('charges for the part of an answer that broke off, and nothing for one that never came', async () => {
      await startPriced();
      const tenantId = newId('tenant').slice(0, 40);
      await ask(setBudget, { usdPerMonth: 100 }, tenantId);
      const input = { ...question, evidence: [], maxTokens: 20 };
      const spentAfter = async (behaviour: Behaviour) => {
        provider.script(behaviour);
        const runId = newId('run');
        await send(runId, input, tenantId);
        expect((await resultsOf(runId))[0]?.status).toBe('failed');
        return (await ask(listBudgets, {}, tenantId)).items[0];
      };
      expect(await spentAfter(answersStatus(400))).toMatchObject({ spentUsd: 0, reservedUsd: 0 });
      const after = await spentAfter(breaksOffAfter('When the brood '));
      expect(after?.spentUsd).toBeGreaterThan(0);
      expect(after?.reservedUsd).toBe(0);
      const [row] = (await ask(readUsage, {}, tenantId)).items;
      expect(row).toMatchObject({ completions: 0, otherAttempts: 1, costUsd: after?.spentUsd });
      expect(row?.completionTokens).toBeGreaterThan(0);
    });

    it('holds for each attempt, and keeps counted what may have been billed without a word', async () => {
      await startPriced();
      const tenantId = newId('tenant').slice(0, 40);
      await ask(setBudget, { usdPerMonth: 100 }, tenantId);
      // The first connection is lost before a word came: nobody knows what the provider did. The second attempt answers.
      provider.script(({ socket }) => void socket?.destroy(), answers('When the brood box is crowded.'));
      const runId = newId('run');
      await send(runId, { ...question, evidence: [], maxTokens: 20 }, tenantId);
      expect((await resultsOf(runId))[0]).toMatchObject({ status: 'completed', usage: { costUsd: costOfOne } });
      const [budget] = (await ask(listBudgets, {}, tenantId)).items;
      const [row] = (await ask(readUsage, {}, tenantId)).items;
      expect(row).toMatchObject({ completions: 1, otherAttempts: 1, costUsd: budget?.spentUsd });
      expect(budget?.spentUsd).toBeGreaterThan(costOfOne + (20 * Number(usd)) / 1_000_000);
      expect(budget?.reservedUsd).toBe(0);
    });

    it('writes down what answers have cost of which nothing could be made', async () => {
      await startPriced();
      const tenantId = newId('tenant').slice(0, 40);
      await ask(setBudget, { usdPerMonth: 100 }, tenantId);
      provider.script(answers('No JSON at all.'));
      const runId = newId('run');
      const schema = { type: 'object', required: ['reason'] };
      await send(runId, { ...question, evidence: [], maxTokens: 20, answer: { schema } }, tenantId);
      expect((await resultsOf(runId))[0]).toMatchObject({ error: { code: 'provider_invalid_response' } });
      const [row] = (await ask(readUsage, {}, tenantId)).items;
      expect(row).toMatchObject({ completions: 0, otherAttempts: 2, costUsd: 2 * costOfOne });
      expect((await ask(listBudgets, {}, tenantId)).items).toMatchObject([{ spentUsd: 2 * costOfOne, reservedUsd: 0 }]);
    });

    it('counts by itself what a provider leaves out, so that a stream without usage is not free', async () => {
      await startPriced();
      const tenantId = newId('tenant').slice(0, 40);
      await ask(setBudget, { usdPerMonth: 100 }, tenantId);
      provider.script(answers('When the brood box is crowded.', { usage: null }));
      const runId = newId('run');
      await send(runId, { ...question, evidence: [] }, tenantId);
      await resultsOf(runId);
      expect((await ask(listBudgets, {}, tenantId)).items[0]?.spentUsd).toBeGreaterThan(0);
      expect((await ask(readUsage, {}, tenantId)).items[0]?.completionTokens).toBeGreaterThan(0);
    });

    it('reads the usage of no more than a year, and of nobody else', async () => {
      await startPriced();
      await expect(ask(readUsage, { from: '2020-01-01', to: '2024-01-01' })).rejects.toMatchObject({
        code: 'invalid_period',
      });
      await expect(ask(readUsage, { from: '2024-01-02', to: '2024-01-01' })).rejects.toMatchObject({
        code: 'invalid_period',
      });
      expect((await ask(readUsage, {}, 'nobody')).items).toEqual([]);
    });
  });

  describe('providers of tenants', () => {
    const host = () => new URL(provider.baseUrl).host;
    const allowing = (more: Record<string, string> = {}) =>
      start({ MILLRACE_LLM_PROVIDER_HOSTS: host(), MILLRACE_LLM_SECRET_KEYS: `k1:${firstKey}`, ...more });
    const mine = () => ({
      name: 'mine',
      kind: 'openai-compatible',
      baseUrl: provider.baseUrl,
      apiKey: 'sk-canary-mine',
    });
    const answerOf = async (tenantId: string, model: string) => {
      provider.script(answers('Yes.'));
      const runId = newId('run');
      await send(runId, { ...question, evidence: [], model }, tenantId);
      return (await resultsOf(runId))[0];
    };
    afterEach(async () => {
      for (const tenantId of ['acme', 'globex'])
        await ask(deleteProvider, { name: 'mine' }, tenantId).catch(() => undefined);
    });

    it('are asked with their own key, which nobody is shown and nothing holds as it is', async () => {
      await allowing();
      const put = await ask(putProvider, mine());
      expect(put).toMatchObject({ name: 'mine', hasKey: true, origin: 'tenant' });
      const listed = await ask(listProviders, {});
      expect(listed.items).toEqual([put]);
      expect(JSON.stringify([put, listed])).not.toContain('canary');
      expect(await answerOf('acme', 'mine/small')).toMatchObject({ output: { model: 'mine/small' } });
      expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-canary-mine');
      const stored = await rows();
      expect(stored).toHaveLength(1);
      expect(JSON.stringify(stored)).not.toContain('canary');
    });

    it('are their tenant’s alone', async () => {
      await allowing();
      await ask(putProvider, mine());
      expect(await answerOf('globex', 'mine/small')).toMatchObject({ error: { code: 'unknown_model' } });
      expect((await ask(listProviders, {}, 'globex')).items).toEqual([]);
      await expect(ask(deleteProvider, { name: 'mine' }, 'globex')).rejects.toMatchObject({ code: 'unknown_provider' });
      await ask(putProvider, { ...mine(), apiKey: 'sk-canary-theirs' }, 'globex');
      await answerOf('globex', 'mine/small');
      expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-canary-theirs');
      await answerOf('acme', 'mine/small');
      expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-canary-mine');
    });

    it('take a new key at once, keep an old one where none is given, and lose it with their host', async () => {
      await allowing({ MILLRACE_LLM_PROVIDER_HOSTS: `${host()},models.example.com` });
      await ask(putProvider, mine());
      await ask(putProvider, { ...mine(), apiKey: 'sk-canary-new' });
      await answerOf('acme', 'mine/small');
      expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-canary-new');
      await ask(putProvider, { ...mine(), apiKey: undefined, models: ['small'] });
      await answerOf('acme', 'mine/small');
      expect(provider.requests.at(-1)?.headers.authorization).toBe('Bearer sk-canary-new');
      const elsewhere = { ...mine(), apiKey: undefined, baseUrl: 'http://models.example.com/v1' };
      await expect(ask(putProvider, elsewhere)).rejects.toMatchObject({ code: 'key_needed_for_host' });
    });

    it('survive a rotation of the key that seals them, and are unreadable without it', async () => {
      await allowing();
      await ask(putProvider, mine());
      await service?.drain({ graceMs: 0 });
      await allowing({ MILLRACE_LLM_SECRET_KEYS: `k2:${secondKey},k1:${firstKey}` });
      expect(await answerOf('acme', 'mine/small')).toMatchObject({ status: 'completed' });
      await ask(putProvider, { ...mine(), apiKey: undefined });
      await service?.drain({ graceMs: 0 });
      await allowing({ MILLRACE_LLM_SECRET_KEYS: `k2:${secondKey}` });
      expect(await answerOf('acme', 'mine/small')).toMatchObject({ status: 'completed' });
      await service?.drain({ graceMs: 0 });
      await allowing();
      expect(await answerOf('acme', 'mine/small')).toMatchObject({
        error: { code: 'secret_unreadable', retryable: false },
      });
    });

    it('are refused at hosts that the installation does not allow, without a key to seal theirs, and under its own names', async () => {
      await startWithProvider();
      const codeOf = (given: object) =>
        ask(putProvider, given).then(
          () => 'taken',
          ({ code }: { code: string }) => code,
        );
      expect(await codeOf(mine())).toBe('host_not_allowed');
      expect(await codeOf({ name: 'mine', kind: 'groq', apiKey: 'sk-canary' })).toBe('secrets_not_configured');
      expect(await codeOf({ name: 'openai-compatible', kind: 'groq' })).toBe('provider_of_installation');
      expect(await codeOf({ name: 'mine', kind: 'openai-compatible' })).toBe('missing_base_url');
      expect((await ask(listProviders, {})).items).toMatchObject([
        { name: 'openai-compatible', baseUrl: '', hasKey: true },
      ]);
    });
  });

  it('answers from the ledger after a restart, and never for another tenant', async () => {
    await startWithProvider();
    provider.script(answers('For the first tenant.'));
    const runId = newId('run');
    await send(runId, question);
    await resultsOf(runId);
    await service?.drain({ graceMs: 0 });
    provider.script(answers('For the second tenant.'));
    await startWithProvider();
    await send(runId, question);
    const again = await resultsOf(runId, 2);
    expect(again[1]).toMatchObject({ output: { text: 'For the first tenant.' } });
    await send(runId, question, 'globex');
    const all = await resultsOf(runId, 3);
    expect(all[2]).toMatchObject({ output: { text: 'For the second tenant.' } });
    expect(results.map(({ tenantId }) => tenantId)).toEqual(['acme', 'acme', 'globex']);
  });

  it('lets one answer stand where two deliveries raced', async () => {
    await startWithProvider();
    provider.script(answers('One answer.'), answers('Another answer.'));
    const runId = newId('run');
    await Promise.all([send(runId, question), send(runId, question)]);
    const [first, second] = await resultsOf(runId, 2);
    expect(second).toEqual(first);
  });

  it('closes the connection to the provider when the run is cancelled', async () => {
    await startWithProvider();
    provider.script(stallsAfter('When '));
    const runId = newId('run');
    const [requests, abandoned] = [provider.requests.length, provider.abandoned];
    await send(runId, question);
    await eventually(() => provider.requests.length > requests);
    const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
    const graph = { name: 'content', version: 1, digest: 'a'.repeat(64) };
    await bus.publish({
      subject: eventSubject(runCancelledEvent, 'acme'),
      envelope: envelopeOf(runCancelledEvent, context, { runId, graph, reason: 'enough' }),
    });
    await eventually(() => provider.abandoned > abandoned);
  });

  it.each<[string, LlmInput, object]>([
    [
      'no evidence',
      { prompt: 'content/draft@1', variables: { topic: 'Tax law' } },
      { code: 'no_evidence', retryable: false },
    ],
    ['an unknown prompt', { prompt: 'content/poem@1' }, { code: 'unknown_prompt', retryable: false }],
    [
      'wrong variables',
      { prompt: 'content/draft@1', variables: {} },
      { code: 'invalid_prompt_variables', retryable: false },
    ],
    ['an unknown model', { ...question, model: 'nobody/knows' }, { code: 'unknown_model', retryable: false }],
    [
      'a schema that is none',
      { ...question, answer: { schema: { type: 'nonsense' } } },
      { code: 'invalid_answer_schema', retryable: false },
    ],
    ['neither prompt nor messages', {}, { code: 'missing_prompt', retryable: false }],
  ])('fails a task with %s for good', async (_, input, error) => {
    await start();
    const runId = newId('run');
    await send(runId, input);
    expect((await resultsOf(runId))[0]).toMatchObject({ status: 'failed', error });
  });

  it('tells the run when a failure may pass, and records nothing', async () => {
    await startWithProvider();
    provider.script(answersStatus(429, {}, { 'retry-after': '60' }), answers('Better now.'));
    const runId = newId('run');
    await send(runId, question);
    expect((await resultsOf(runId))[0]).toMatchObject({
      status: 'failed',
      error: { code: 'provider_rate_limited', retryable: true, retryAfterSeconds: 60 },
    });
    await send(runId, question);
    expect((await resultsOf(runId, 2))[1]).toMatchObject({ status: 'completed', output: { text: 'Better now.' } });
  });
});
