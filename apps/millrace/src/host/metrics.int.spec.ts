/**
 * Every service over a real NATS and a real Postgres, and what their metrics say when things happen: a table of causes and
 * the series that must move.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceClient } from '@millrace/client';
import {
  createKey,
  envelopeOf,
  partitionOf,
  resultSubject,
  taskIdOf,
  taskResult,
  toolTask,
  type Run,
} from '@millrace/contracts';
import { connectPostgres, type DatabaseBackend } from '@millrace/database';
import { newId, type JsonObject } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels, renderMetrics } from '@millrace/telemetry';
import {
  answers,
  answersStatus,
  eventually,
  MetricsPage,
  startNatsServer,
  startPostgres,
  startScriptedProvider,
  type NatsServer,
  type PostgresServer,
  type ScriptedProvider,
} from '@millrace/testing';
import { services } from './services.js';

const context = { tenantId: 'acme', correlationId: 'spec', causationId: null };
/** Readings that are asked for are taken every 15 seconds. */
const sampled = { timeoutMs: 40_000, intervalMs: 500 };

let nats: NatsServer;
let postgres: PostgresServer;
let provider: ScriptedProvider;
let bus: MessageBus;
let client: MillraceClient;
const backends: DatabaseBackend[] = [];
const running: RunningService[] = [];

beforeAll(async () => {
  [nats, postgres, provider] = await Promise.all([
    startNatsServer({ exclusive: true }),
    startPostgres(),
    startScriptedProvider(),
  ]);
  provider.script(answers('An answer.'));
  bus = await connectJetStream({ servers: nats.url, name: 'spec' });
  const logger = createLogger({ levels: parseLogLevels('error'), destination: { write: () => undefined } });
  const environment = {
    MILLRACE_HTTP_PORT: '0',
    MILLRACE_HTTP_MAX_STREAMS: '2',
    MILLRACE_LLM_BASE_URL: provider.baseUrl,
    MILLRACE_LLM_MODEL: 'scripted',
    MILLRACE_LLM_PROMPT_USD_PER_MILLION: '1000',
    MILLRACE_LLM_COMPLETION_USD_PER_MILLION: '1000',
  };
  for (const definition of services) {
    const connectionString = await postgres.createDatabase(`metrics_${definition.name.replaceAll('-', '_')}`);
    const backend = connectPostgres({ connectionString, maxConnections: 4 });
    backends.push(backend);
    running.push(await startService(definition, { environment, bus, backend, logger }));
  }
  const baseUrl = running.find(({ url }) => url !== undefined)?.url ?? '';
  client = new MillraceClient({ baseUrl, apiKey: await adminKey() });
}, 300_000);

afterAll(async () => {
  for (const service of running.toReversed()) await service.drain({ graceMs: 1_000 });
  await bus?.drain({ graceMs: 1_000 });
  for (const backend of backends) await backend.close();
  await Promise.all([nats?.stop(), postgres?.stop(), provider?.stop()]);
}, 120_000);

async function adminKey(): Promise<string> {
  const envelope = envelopeOf(createKey, context, { name: 'spec', role: 'admin', onlyFirst: false });
  return createKey.response.parse(await bus.request({ subject: createKey.subject, envelope })).key?.secret ?? '';
}

const scrape = async (): Promise<MetricsPage> => new MetricsPage(await renderMetrics());

const graphOf = (name: string, node: JsonObject): JsonObject => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name, description: 'Of a spec.' },
  input: { type: 'object', properties: { topic: { type: 'string' } } },
  nodes: [{ id: 'step', ...node }],
  output: { done: '${{ true }}' },
});
const askModel = graphOf('ask', { kind: 'llm', with: { messages: [{ role: 'user', content: '${{ input.topic }}' }] } });
const fails = graphOf('fails', {
  kind: 'tool',
  with: { tool: 'nobody-has-it', arguments: {} },
  retry: { maxAttempts: 2, backoff: { initial: '10ms', max: '10ms' }, on: ['*'] },
});

const run = (graph: string | JsonObject, input: JsonObject = {}): Promise<Run> =>
  client.startRun({ graph, input }, { waitSeconds: 30 });
const diamond = (): Promise<Run> => run('diamond');

/** The result of a task that nobody waits for. */
const sendResult = (runId: string): Promise<unknown> => {
  const taskId = taskIdOf(runId, 'a', 1);
  const outcome = { status: 'completed', output: {} } as const;
  const envelope = envelopeOf(taskResult, context, { taskId, runId, node: 'a', attempt: 1, outcome });
  return bus.request({ subject: resultSubject(partitionOf(runId)), envelope });
};

const startOnce = (key: string, topic: string): Promise<Run> =>
  client.startRun({ graph: 'diamond', input: { topic } }, { idempotencyKey: key, waitSeconds: 30 });

type Effect = readonly [series: string, labels?: Readonly<Record<string, string>>];

interface Case {
  readonly cause: () => Promise<unknown>;
  /** Series whose sum must grow. */
  readonly effects: readonly Effect[];
  readonly isSampled?: boolean;
}

const tool = { millrace_task_kind: 'tool' };
const scripted = { gen_ai_request_model: 'scripted', gen_ai_provider_name: 'openai-compatible' };

const cases: Readonly<Record<string, Case>> = {
  'a run that completes': {
    // What the first one has to load, the second finds in the caches.
    cause: async () => {
      await diamond();
      await diamond();
    },
    effects: [
      ['millrace_run_started_total'],
      ['millrace_run_ended_total', { millrace_run_status: 'completed' }],
      ['millrace_run_duration_seconds_count', { millrace_run_status: 'completed' }],
      ['millrace_engine_tasks_scheduled_total', tool],
      ['millrace_engine_events_total', { millrace_event_type: 'NodeCompleted' }],
      ['millrace_engine_commit_duration_seconds_count', { millrace_outcome: 'stored' }],
      ['millrace_engine_commit_size_sum'],
      ['millrace_task_duration_seconds_count', { ...tool, millrace_outcome: 'completed' }],
      ['messaging_client_consumed_messages_total', { messaging_consumer_group_name: 'worker-tool' }],
      ['messaging_client_operation_duration_seconds_count', { messaging_destination_template: 'task.tool.v1' }],
      ['messaging_client_operation_duration_seconds_count', { messaging_destination_template: 'result.*.v1' }],
      ['messaging_client_sent_messages_total', { messaging_destination_template: 'live.*.ended' }],
      ['messaging_process_duration_seconds_count', { messaging_destination_template: 'result.*.v1' }],
      ['http_server_request_duration_seconds_count', { http_route: '/v1/runs', http_request_method: 'POST' }],
      ['db_client_operation_duration_seconds_count', { db_client_connection_pool_name: 'orchestrator' }],
      ['db_client_connection_wait_time_seconds_count', { db_client_connection_pool_name: 'gateway' }],
      ['millrace_idempotency_claims_total', { millrace_claim: 'fresh' }],
      ['millrace_cache_requests_total', { millrace_cache: 'hot-runs', millrace_result: 'hit' }],
      ['millrace_cache_requests_total', { millrace_cache: 'api-keys', millrace_result: 'hit' }],
      ['millrace_cache_requests_total', { millrace_cache: 'graphs', millrace_result: 'hit' }],
    ],
  },
  'a run whose step fails, and is repeated': {
    cause: () => run(fails),
    effects: [
      ['millrace_run_ended_total', { millrace_run_status: 'failed' }],
      ['millrace_engine_events_total', { millrace_event_type: 'NodeFailed' }],
      ['millrace_task_duration_seconds_count', { ...tool, millrace_outcome: 'failed' }],
    ],
  },
  'a run that is cancelled': {
    cause: async () => {
      const delayed = graphOf('delayed', {
        kind: 'tool',
        with: { tool: 'delay', arguments: { milliseconds: 60_000 } },
      });
      const { id } = await client.startRun({ graph: delayed, input: {} });
      await eventually(async () => (await scrape()).sum('millrace_task_active', tool) > 0);
      await client.cancelRun(id);
    },
    effects: [
      ['millrace_run_ended_total', { millrace_run_status: 'cancelled' }],
      ['millrace_task_duration_seconds_count', { ...tool, millrace_outcome: 'cancelled' }],
    ],
  },
  'a request with a key that was used': {
    cause: async () => {
      const key = newId('key');
      await startOnce(key, 'one');
      await startOnce(key, 'one');
      await expect(startOnce(key, 'two')).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    },
    effects: [
      ['millrace_idempotency_claims_total', { millrace_claim: 'replay' }],
      ['millrace_idempotency_claims_total', { millrace_claim: 'mismatch' }],
      ['http_server_request_duration_seconds_count', { http_response_status_code: '422' }],
    ],
  },
  'a result that comes too late': {
    cause: async () => sendResult((await diamond()).id),
    effects: [['millrace_engine_ignored_messages_total', { millrace_reason: 'stale-result' }]],
  },
  'a result of a run that nobody started': {
    cause: () => sendResult(newId('run')),
    effects: [['millrace_engine_ignored_messages_total', { millrace_reason: 'unknown-run' }]],
  },
  'a message that is published twice': {
    cause: async () => {
      const envelope = envelopeOf({ name: 'run.completed', version: 1 }, context, {}, { id: newId('msg') });
      for (let count = 0; count < 2; count += 1) await bus.publish({ subject: 'evt.acme.run.completed.v1', envelope });
    },
    effects: [
      ['millrace_messaging_duplicate_publishes_total', { messaging_destination_template: 'evt.*.run.completed.v1' }],
    ],
  },
  'a task that cannot be read': {
    cause: () => {
      const envelope = envelopeOf({ name: 'task.other', version: 1 }, context, {}, { id: newId('msg') });
      return bus.publish({ subject: toolTask.subject, envelope });
    },
    effects: [
      ['millrace_messaging_dead_letters_total', { millrace_code: 'unexpected_message' }],
      ['messaging_client_consumed_messages_total', { millrace_outcome: 'dead-letter' }],
      ['millrace_messaging_problems_total', { millrace_code: 'dead_letter' }],
    ],
  },
  'dead letters that lie there': {
    cause: () => Promise.resolve(),
    effects: [['millrace_messaging_stream_messages', { millrace_stream: 'DEAD_LETTERS' }]],
    isSampled: true,
  },
  'a message that is handed back': {
    cause: async () => {
      const consumer = {
        durableName: 'spec-again',
        subject: 'evt.acme.spec.again.v1',
        slots: 1,
        ackWaitMs: 5_000,
        maxDeliveries: 3,
      };
      let count = 0;
      const consuming = await bus.consume(consumer, () => {
        count += 1;
        return Promise.resolve(count === 1 ? { kind: 'retry', delayMs: 100 } : { kind: 'ack' });
      });
      await bus.publish({ subject: consumer.subject, envelope: envelopeOf({ name: 'spec', version: 1 }, context, {}) });
      await eventually(() => count === 2);
      await consuming.stop();
    },
    effects: [
      [
        'messaging_client_consumed_messages_total',
        { messaging_consumer_group_name: 'spec-again', millrace_outcome: 'handed-back' },
      ],
      ['millrace_messaging_redeliveries_total', { messaging_consumer_group_name: 'spec-again' }],
    ],
  },
  'a task for which there is no worker': {
    cause: () =>
      bus.publish({
        subject: 'task.nobody.v1',
        envelope: envelopeOf({ name: 'task.nobody', version: 1 }, context, {}),
      }),
    effects: [['millrace_messaging_stranded_messages', { millrace_reason: 'uncovered' }]],
    isSampled: true,
  },
  'a completion': {
    cause: () => run(askModel, { topic: 'bees' }),
    effects: [
      ['gen_ai_client_operation_duration_seconds_count', scripted],
      ['gen_ai_client_operation_time_to_first_chunk_seconds_count', scripted],
      ['gen_ai_client_token_usage_sum', { ...scripted, gen_ai_token_type: 'input' }],
      ['gen_ai_client_token_usage_sum', { ...scripted, gen_ai_token_type: 'output' }],
      ['millrace_model_cost_usd_total', scripted],
      ['millrace_cache_requests_total', { millrace_cache: 'completions', millrace_result: 'miss' }],
    ],
  },
  'an open stream, and one too many': {
    cause: async () => {
      const { id } = await client.startRun({
        graph: graphOf('slow', { kind: 'tool', with: { tool: 'delay', arguments: { milliseconds: 60_000 } } }),
        input: {},
      });
      const leave = new AbortController();
      const readers = Array.from({ length: 3 }, async () => {
        for await (const _item of client.streamRun(id, { signal: leave.signal })) if (leave.signal.aborted) break;
      });
      const ended = Promise.allSettled(readers);
      await eventually(async () => {
        const page = await scrape();
        return (
          page.sum('millrace_http_streams_open') === 2 &&
          page.sum('millrace_overload_refusals_total', { millrace_queue: 'http-streams' }) > 0
        );
      });
      leave.abort();
      await client.cancelRun(id);
      await ended;
    },
    effects: [
      ['millrace_overload_refusals_total', { millrace_queue: 'http-streams' }],
      ['http_server_request_duration_seconds_count', { http_response_status_code: '429' }],
    ],
  },
  'a model that fails again and again': {
    cause: async () => {
      provider.script(answersStatus(500));
      await Promise.all(Array.from({ length: 6 }, () => run(askModel, { topic: 'wasps' })));
    },
    effects: [
      ['gen_ai_client_operation_duration_seconds_count', { ...scripted, error_type: 'unavailable' }],
      ['millrace_call_retries_total', { millrace_call: 'model-provider' }],
      ['millrace_circuit_state', { millrace_circuit: 'model-provider', millrace_state: 'open' }],
    ],
  },
  'a run that goes on': {
    cause: async () => {
      await client.startRun({
        graph: graphOf('long', { kind: 'tool', with: { tool: 'delay', arguments: { milliseconds: 60_000 } } }),
        input: {},
      });
      await pause(20);
    },
    effects: [['millrace_run_unfinished'], ['millrace_run_oldest_unfinished_age_seconds']],
    isSampled: true,
  },
};

describe('the metrics of services over NATS and Postgres', () => {
  it.each(Object.keys(cases))(
    'tell of %s',
    async (name) => {
      const { cause, effects, isSampled = false } = cases[name]!;
      // What lies there from the case before is what the reading must show.
      const before = isSampled ? undefined : await scrape();
      await cause();
      await eventually(async () => {
        const page = await scrape();
        const still = effects.filter(
          ([series, labels]) => page.sum(series, labels) <= (before?.sum(series, labels) ?? 0),
        );
        if (still.length > 0) throw new Error(`not yet: ${JSON.stringify(still)}`);
        return true;
      }, sampled);
    },
    120_000,
  );

  it('say what is there without anything happening', async () => {
    await eventually(async () => {
      const page = await scrape();
      const expected: readonly Effect[] = [
        ['millrace_partition_lease_changes_total', { millrace_change: 'acquired' }],
        ['millrace_messaging_consumer_pending', { messaging_consumer_group_name: 'worker-tool' }],
        ['millrace_messaging_consumer_unacknowledged', { messaging_consumer_group_name: 'worker-llm' }],
        ['millrace_messaging_consumer_redelivered', { messaging_consumer_group_name: 'worker-search' }],
        ['millrace_messaging_stream_fill', { millrace_stream: 'TASKS' }],
        ['millrace_messaging_stream_size_bytes', { millrace_stream: 'EVENTS' }],
        ['millrace_messaging_outbox_messages', { millrace_state: 'parked' }],
        ['millrace_messaging_outbox_age_seconds'],
        ['millrace_publication_lag_seconds'],
        ['millrace_publication_debts'],
        ['millrace_engine_hot_runs'],
        ['millrace_engine_timers'],
        ['millrace_engine_waiting_messages'],
        ['millrace_task_slots', tool],
        ['millrace_bulkhead_calls', { millrace_bulkhead: 'model-provider', millrace_state: 'waiting' }],
        ['db_client_connection_count', { db_client_connection_state: 'idle' }],
        ['db_client_connection_max', { db_client_connection_pool_name: 'research' }],
        ['db_client_connection_pending_requests'],
        ['db_client_connection_timeouts_total'],
        ['millrace_service_ready', { millrace_service: 'evaluation' }],
      ];
      expect(expected.filter(([series, labels]) => !page.has(series, labels))).toEqual([]);
      expect(page.sum('millrace_partition_held')).toBe(16);
      return true;
    }, sampled);
  }, 120_000);

  it('keep as many series as before, whatever runs are called and are about', async () => {
    const topics = Array.from({ length: 200 }, (_, index) => `made-up-${index}-${newId('x')}`);
    const runAll = async (some: readonly string[]): Promise<void> => {
      for (let index = 0; index < some.length; index += 20)
        await Promise.all(some.slice(index, index + 20).map((topic) => run('diamond', { topic })));
    };
    await runAll(topics.slice(0, 20));
    const keysOf = ({ series }: MetricsPage): string[] =>
      series.map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    const before = new Set(keysOf(await scrape()));
    await runAll(topics);
    const page = await scrape();
    expect(keysOf(page).filter((key) => !before.has(key))).toEqual([]);
    expect(page.text).not.toMatch(/made-up|run_[0-9a-f]{8}|acme/);
  }, 240_000);

  it('tell when NATS is away, and that it came back', async () => {
    await nats.kill();
    await eventually(async () => (await scrape()).sum('millrace_messaging_connected') === 0, sampled);
    await nats.restart();
    await eventually(async () => {
      const page = await scrape();
      return page.sum('millrace_messaging_connected') === 1 && page.sum('millrace_messaging_reconnects_total') > 0;
    }, sampled);
  }, 120_000);
});
