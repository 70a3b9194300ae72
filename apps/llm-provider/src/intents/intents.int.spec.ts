import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { envelopeOf, routeTask, type TaskResult } from '@millrace/contracts';
import type { DatabaseBackend } from '@millrace/database';
import { newId } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import {
  answers,
  backendKinds,
  eventually,
  startScriptedProvider,
  testBackend,
  type ScriptedProvider,
} from '@millrace/testing';
import { llmProviderService } from '../index.js';
import { migrations } from '../schema/migrations/index.js';

jest.setTimeout(60_000);

const replyTo = 'result.1.v1';
const intents = [
  {
    name: 'refund',
    description: 'Wants money back.',
    examples: ['I want my money back'],
    slots: [{ name: 'item', required: true }],
  },
  { name: 'track', description: 'Where is a delivery?', examples: ['Where is my parcel?'] },
];

describe.each(backendKinds)('routing on %s', (kind) => {
  let backend: DatabaseBackend;
  let provider: ScriptedProvider;
  let bus: MessageBus;
  let service: RunningService;
  let results: TaskResult[];

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
      results.push(envelope.data as TaskResult);
      return Promise.resolve({ applied: true });
    });
  });
  afterEach(async () => {
    await service.drain({ graceMs: 0 });
    await bus.drain({ graceMs: 0 });
  });

  const start = async (environment: Record<string, string> = {}) => {
    const logger = createLogger({ levels: parseLogLevels('silent') });
    service = await startService(llmProviderService, { environment, bus, backend, logger });
  };
  async function route(input: object, runId = newId('run'), count = 1) {
    const task = { taskId: `${runId}:sort:1`, runId, node: 'sort', attempt: 1, input, stream: false, replyTo };
    const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
    await bus.publish({ subject: routeTask.subject, envelope: envelopeOf(routeTask, context, task) });
    const found = await eventually(() => {
      const own = results.filter((result) => result.runId === runId);
      return own.length >= count && own;
    });
    return found.at(-1)?.outcome;
  }

  it('chooses without a model, and costs nothing', async () => {
    await start();
    expect(await route({ text: 'Where has my parcel gone?', intents })).toMatchObject({
      status: 'completed',
      output: { intent: 'track', model: 'extractive' },
    });
    expect(await route({ text: '', intents })).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(await route({ text: 'x', intents: [] })).toMatchObject({
      status: 'failed',
      error: { code: 'invalid_input' },
    });
  });

  it('has a model choose, once for each task, and is paid for', async () => {
    await start({
      MILLRACE_LLM_BASE_URL: provider.baseUrl,
      MILLRACE_LLM_MODEL: 'scripted',
      MILLRACE_LLM_PROMPT_USD_PER_MILLION: '1000',
    });
    provider.script(answers('{"intent": "refund", "confidence": 0.8, "slots": {"item": "mug"}}'));
    const runId = newId('run');
    const first = await route({ text: 'Pay me back', intents }, runId);
    expect(first).toMatchObject({
      status: 'completed',
      output: { intent: 'refund', confidence: 0.8, slots: { item: 'mug' }, missing: [] },
      usage: { promptTokens: expect.any(Number) },
    });
    expect((first as { usage: { costUsd: number } }).usage.costUsd).toBeGreaterThan(0);
    // Delivered again: answered from the ledger, for the provider has nothing more to say.
    expect(await route({ text: 'Pay me back', intents }, runId, 2)).toEqual(first);
  });
});
