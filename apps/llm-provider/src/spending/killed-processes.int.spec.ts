/** Budgets and ledger over two processes that `main.ts` makes, on one NATS and one Postgres; some of them are killed in the middle. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CommandContract,
  envelopeOf,
  listBudgets,
  llmTask,
  readUsage,
  type ResponseOf,
  setBudget,
  type TaskOutcome,
  type TaskResult,
  taskIdOf,
} from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import {
  answers,
  eventually,
  type NatsServer,
  type PostgresServer,
  type ScriptedProvider,
  type ScriptProcess,
  stallsAfter,
  startNatsServer,
  startPostgres,
  startScript,
  startScriptedProvider,
  withClient,
} from '@millrace/testing';

const usdPerMillion = 100;
const costOfOne = (18 * usdPerMillion) / 1_000_000;
const replyTo = 'result.0.v1';
const totalMs = 10_000;

let nats: NatsServer;
let postgres: PostgresServer;
let provider: ScriptedProvider;
let bus: MessageBus;
let processes: ScriptProcess[];
let databaseUrl: string;
const outcomes = new Map<string, TaskOutcome[]>();

beforeAll(async () => {
  [nats, postgres, provider] = await Promise.all([
    startNatsServer({ exclusive: true }),
    startPostgres({ exclusive: true }),
    startScriptedProvider(),
  ]);
  databaseUrl = await postgres.createDatabase('llm_provider');
  processes = [await start(), await start()];
  bus = await connectJetStream({ servers: nats.url, name: 'spec' });
  await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    const { runId, outcome } = envelope.data as TaskResult;
    outcomes.set(runId, [...(outcomes.get(runId) ?? []), outcome]);
    return Promise.resolve({ applied: true });
  });
}, 300_000);

afterAll(async () => {
  await Promise.all(processes.map((process) => process.kill()));
  await bus.drain({ graceMs: 0 });
  await Promise.all([nats.stop(), postgres.stop(), provider.stop()]);
}, 60_000);

async function start(): Promise<ScriptProcess> {
  const environment = {
    MILLRACE_NATS_URL: nats.url,
    MILLRACE_DATABASE_URL: databaseUrl,
    MILLRACE_HEALTH_HOST: '127.0.0.1',
    MILLRACE_HEALTH_PORT: '0',
    MILLRACE_LOG_FORMAT: 'json',
    MILLRACE_LLM_BASE_URL: provider.baseUrl,
    MILLRACE_LLM_MODEL: 'scripted',
    MILLRACE_LLM_SLOTS: '25',
    MILLRACE_LLM_CONCURRENCY: '25',
    MILLRACE_LLM_TOTAL_TIMEOUT_MS: String(totalMs),
    MILLRACE_LLM_PROMPT_USD_PER_MILLION: String(usdPerMillion),
    MILLRACE_LLM_COMPLETION_USD_PER_MILLION: String(usdPerMillion),
  };
  const script = startScript(`await import('./apps/llm-provider/src/main.ts');`, { environment });
  await eventually(
    () => script.output.standard.includes('"health":"http:') || Promise.reject(new Error(script.output.error)),
    {
      timeoutMs: 240_000,
      describe: 'the llm-provider is ready',
    },
  );
  return script;
}

/** Each sending is a message of its own, as when a reconciler publishes a task again. */
async function send(runId: string, tenantId: string): Promise<void> {
  const messages = [{ role: 'user', content: 'Why do colonies swarm?' }];
  const task = {
    taskId: taskIdOf(runId, 'draft', 1),
    runId,
    node: 'draft',
    attempt: 1,
    input: { messages, maxTokens: 20 },
    stream: false,
    replyTo,
  };
  const context = { tenantId, correlationId: 'cor_1', causationId: null };
  await bus.publish({ subject: llmTask.subject, envelope: envelopeOf(llmTask, context, task) });
}

const outcomesOf = (runId: string): Promise<TaskOutcome[]> =>
  eventually(() => outcomes.get(runId) ?? false, { timeoutMs: 60_000, describe: `the task of ${runId} is answered` });

async function ask<C extends CommandContract>(contract: C, data: unknown, tenantId: string): Promise<ResponseOf<C>> {
  const context = { tenantId, correlationId: 'cor_1', causationId: null };
  return (await bus.request({
    subject: contract.subject,
    envelope: envelopeOf(contract, context, data),
  })) as ResponseOf<C>;
}

async function money(tenantId: string) {
  const [budget] = (await ask(listBudgets, {}, tenantId)).items;
  const rows = (await ask(readUsage, {}, tenantId)).items;
  const sum = (of: (row: (typeof rows)[number]) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    spentNano: Math.round((budget?.spentUsd ?? 0) * 1e9),
    reservedUsd: budget?.reservedUsd ?? 0,
    ledgerNano: sum(({ costUsd }) => Math.round(costUsd * 1e9)),
    completions: sum(({ completions }) => completions),
    otherAttempts: sum(({ otherAttempts }) => otherAttempts),
  };
}

/** As if the time of a call and the margin after it were over. */
const endTimeOfHolds = () =>
  withClient(databaseUrl, (client) => client.query('update llm_provider.budget_hold set expires_at = now()'));

describe('two processes', () => {
  it('never spend more than a budget of ten cents with 50 calls at once, and write down each cent', async () => {
    const tenantId = newId('tenant').slice(0, 40);
    provider.script(answers('When the brood box is crowded.'));
    await ask(setBudget, { usdPerMonth: 0.1 }, tenantId);
    const before = provider.requests.length;
    const runs = Array.from({ length: 50 }, () => newId('run'));
    await Promise.all(runs.map((runId) => send(runId, tenantId)));
    const all = (await Promise.all(runs.map(outcomesOf))).flat();
    const billedNano = Math.round((provider.requests.length - before) * costOfOne * 1e9);
    expect(billedNano).toBeGreaterThan(0);
    expect(billedNano).toBeLessThanOrEqual(100_000_000);
    const { spentNano, ledgerNano, reservedUsd, completions } = await money(tenantId);
    expect([spentNano, ledgerNano, reservedUsd]).toEqual([billedNano, billedNano, 0]);
    expect(all.filter(({ status }) => status === 'completed')).toHaveLength(completions);
    for (const outcome of all)
      if (outcome.status === 'failed')
        expect(outcome.error).toMatchObject({ code: 'budget_exceeded', retryable: false });
  }, 120_000);

  it('keep counted what a killed one may have been billed, and pay for its task once more', async () => {
    const tenantId = newId('tenant').slice(0, 40);
    await ask(setBudget, { usdPerMonth: 1 }, tenantId);
    provider.script(stallsAfter('When '));
    const [runId, before] = [newId('run'), provider.requests.length];
    await send(runId, tenantId);
    await eventually(() => provider.requests.length > before);
    const heldNano = Math.round((await money(tenantId)).reservedUsd * 1e9);
    expect(heldNano).toBeGreaterThan(20 * usdPerMillion * 1_000);
    await Promise.all(processes.map((process) => process.kill()));
    provider.script(answers('When the brood box is crowded.'));
    processes = [await start()];
    await send(runId, tenantId);
    const [outcome] = await outcomesOf(runId);
    expect(outcome).toMatchObject({ status: 'completed', usage: { costUsd: costOfOne } });
    const during = await money(tenantId);
    expect(during.spentNano + Math.round(during.reservedUsd * 1e9)).toBe(heldNano + costOfOne * 1e9);
    expect(during.spentNano).toBe(during.ledgerNano);
    await endTimeOfHolds();
    const settled = await eventually(
      async () => {
        const now = await money(tenantId);
        return now.reservedUsd === 0 ? now : false;
      },
      { timeoutMs: 60_000, describe: 'what the killed process held counts as spent' },
    );
    expect(settled).toEqual({
      spentNano: heldNano + costOfOne * 1e9,
      ledgerNano: heldNano + costOfOne * 1e9,
      reservedUsd: 0,
      completions: 1,
      otherAttempts: 1,
    });
    // A delivery that comes late is answered from the ledger, and costs nothing.
    const requests = provider.requests.length;
    await send(runId, tenantId);
    await eventually(() => (outcomes.get(runId)?.length ?? 0) > 1, { timeoutMs: 30_000 });
    expect(provider.requests.length).toBe(requests);
    expect((await money(tenantId)).spentNano).toBe(settled.spentNano);
  }, 240_000);
});
