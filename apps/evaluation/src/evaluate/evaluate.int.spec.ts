import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Citation,
  envelopeOf,
  evaluateTask,
  resolveCitations,
  type TaskData,
  taskResult,
  type TaskResult,
} from '@millrace/contracts';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { type RunningService, startService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { backendKinds, deferred, testBackend } from '@millrace/testing';
import { evaluationService } from '../index.js';
import { migrations } from '../schema/migrations.js';

const runId = `run_${'0'.repeat(32)}`;
const replyTo = 'result.0.v1';
const quote = 'A run survives the death of any process at any moment.';
const citation: Citation = {
  marker: 1,
  documentId: 'd1',
  snapshotSha256: 'a'.repeat(64),
  start: 0,
  end: quote.length,
  source: 'durability.md',
  quote,
};
const input = {
  suite: 'quality',
  article: {
    title: 'How a run survives',
    description: '',
    markdown: `${quote.slice(0, -1)} [1].\n\n## One\n\nText [1].`,
  },
  citations: [citation],
};

describe.each(backendKinds)('the evaluation service on %s', (kind) => {
  let bus: MessageBus;
  let service: RunningService;
  let end: () => Promise<void>;

  beforeEach(async () => {
    bus = createInProcessBus();
    const backend = await testBackend(kind, [{ service: 'evaluation', migrations }]);
    const logger = createLogger({ levels: parseLogLevels('silent') });
    service = await startService(evaluationService, { environment: {}, bus, backend, logger });
    end = async () => {
      await service.drain({ graceMs: 1_000 });
      await bus.drain({ graceMs: 1_000 });
      await backend.close();
    };
  });
  afterEach(() => end());

  /** Answers questions about citations and counts them. */
  async function research(resolved: boolean): Promise<() => number> {
    let asked = 0;
    await bus.respond(resolveCitations.subject, { queue: 'research', maxInFlight: 10 }, () => {
      asked += 1;
      return Promise.resolve({
        resolutions: [{ marker: 1, resolved, ...(!resolved && { reason: 'the quote differs' }) }],
      });
    });
    return () => asked;
  }

  async function results(count: number): Promise<() => Promise<readonly TaskResult[]>> {
    const received: TaskResult[] = [];
    const done = deferred<readonly TaskResult[]>();
    await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 10 }, ({ envelope }) => {
      received.push(taskResult.request.parse(envelope.data));
      if (received.length === count) done.resolve(received);
      return Promise.resolve({ applied: true });
    });
    return () => done.promise;
  }

  /** `copy` makes the transport believe that a repeat is another message. */
  async function task(tenantId: string, data: unknown, copy = 0): Promise<void> {
    const taskId = `${runId}:quality:1`;
    const body: TaskData = {
      taskId,
      runId,
      node: 'quality',
      attempt: 1,
      input: data as TaskData['input'],
      stream: false,
      replyTo,
    };
    const context = { tenantId, correlationId: 'cor', causationId: null };
    const envelope = envelopeOf(evaluateTask, context, body, { id: `${taskId}:${tenantId}:${copy}` });
    await bus.publish({ subject: evaluateTask.subject, envelope });
  }

  it('scores once per task and tenant, and answers a repeat from what it recorded', async () => {
    const asked = await research(true);
    const answered = await results(3);
    await task('acme', input);
    await task('acme', input, 1);
    await task('other', input);
    const [first, ...rest] = (await answered()).map(({ outcome }) => outcome);
    expect(first).toMatchObject({ status: 'completed', output: { citations: { total: 1, resolved: 1 } } });
    for (const outcome of rest) expect(outcome).toEqual(first);
    expect(asked()).toBeLessThanOrEqual(3);
    expect(asked()).toBeGreaterThanOrEqual(2);
  });

  it('shuts the gate for a citation that does not resolve', async () => {
    await research(false);
    const answered = await results(1);
    await task('acme', input);
    const [result] = await answered();
    expect(result?.outcome).toMatchObject({
      status: 'completed',
      output: { passed: false, citations: { total: 1, resolved: 0 } },
    });
  });

  it('fails the attempt, to be tried again, when nobody can say whether citations are true', async () => {
    const answered = await results(1);
    await task('acme', input);
    const [result] = await answered();
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { retryable: true } });
  });

  it('refuses input that is no article', async () => {
    const answered = await results(1);
    await task('acme', { suite: 'quality', article: 'none' });
    const [result] = await answered();
    expect(result?.outcome).toMatchObject({ status: 'failed', error: { retryable: false } });
  });
});
