import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster } from '@millrace/cluster';
import { databaseAttributes, messagingAttributes, millraceAttributes, modelAttributes } from '@millrace/telemetry';
import {
  buildWorkspace,
  startScriptedProvider,
  startTraceReceiver,
  type ReceivedSpan,
  type ScriptedProvider,
  type TraceReceiver,
} from '@millrace/testing';
import { Api } from '../api.js';
import { startEmbedded } from '../embedded.js';
import { completeTrace, drawTrace, expectTree } from '../traces.js';
import { canaries, modelEnvironment, oneAtATime, runMainJob, scriptAnswers } from './main-job.js';

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-traces-'));
  folders.push(folder);
  return folder;
};
let receiver: TraceReceiver;
let provider: ScriptedProvider;
beforeAll(async () => {
  await buildWorkspace();
  [receiver, provider] = await Promise.all([startTraceReceiver(), startScriptedProvider()]);
}, 200_000);
afterAll(async () => {
  await Promise.all([receiver?.close(), provider?.stop()]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

const expected = {
  cluster: new URL('cluster.expected.txt', import.meta.url),
  embedded: new URL('embedded.expected.txt', import.meta.url),
};
const isEnd = ({ name }: ReceivedSpan): boolean => name === 'publish evt.{tenant}.run.completed.v1';
const traced = () => ({
  ...receiver.environment,
  ...oneAtATime,
  ...modelEnvironment(provider),
  MILLRACE_LOG_LEVEL: 'debug',
});

describe('the main job', () => {
  it('is one trace over NATS and Postgres, from the request to each statement and each call of the model', async () => {
    scriptAnswers(provider);
    await using cluster = await startCluster({ folder: newFolder(), environment: traced });
    const api = new Api(cluster.url, await cluster.createKey('acme', 'admin'));
    const secrets = await runMainJob(api, 'main-job');
    const trace = await completeTrace(receiver, 'main-job', isEnd, expected.cluster);
    expectTree(drawTrace(trace), expected.cluster);

    const logs = cluster.processes.map(({ logFile }) => readFileSync(logFile, 'utf8')).join('\n');
    expectNoSecret(secrets, receiver.text, logs);
    expectTraceInLogs(logs, trace);
    expectAttributes(trace);
  }, 180_000);

  it('is the same trace in the one process of a laptop', async () => {
    scriptAnswers(provider);
    await using host = await startEmbedded(join(newFolder(), 'data'), traced());
    const secrets = await runMainJob(new Api(host.url, host.apiKey), 'laptop-job');
    const trace = await completeTrace(receiver, 'laptop-job', isEnd, expected.embedded);
    expectTree(drawTrace(trace), expected.embedded);
    expectNoSecret(secrets, receiver.text, host.output.replace(host.apiKey, ''));
  }, 180_000);
});

function expectNoSecret(secrets: readonly string[], ...texts: string[]): void {
  expect(secrets).toEqual(expect.arrayContaining(Object.values(canaries)));
  for (const secret of secrets) {
    for (const text of texts) expect(text.includes(secret) && `${secret} was told`).toBe(false);
  }
}

/** A line of each service leads to the trace. */
function expectTraceInLogs(logs: string, trace: readonly ReceivedSpan[]): void {
  const ids = new Set(trace.map(({ spanId }) => spanId));
  const lines = logs.split('\n').filter((line) => line.includes(`"trace_id":"${trace[0]?.traceId}"`));
  const components = new Set(lines.map((line) => (JSON.parse(line) as { component: string }).component));
  expect([...components].sort()).toEqual(['evaluation', 'gateway', 'llm-provider', 'orchestrator', 'research']);
  for (const line of lines) expect(ids).toContain((JSON.parse(line) as { span_id: string }).span_id);
}

function expectAttributes(trace: readonly ReceivedSpan[]): void {
  expect(trace.find(({ name }) => name === 'chat tide-writer-2')?.attributes).toMatchObject({
    [modelAttributes.operation]: 'chat',
    [modelAttributes.provider]: 'openai-compatible',
    [modelAttributes.inputTokens]: 11,
    [modelAttributes.outputTokens]: 7,
    [modelAttributes.finishReasons]: ['stop'],
    [modelAttributes.timeToFirstChunk]: expect.any(Number),
  });
  expect(trace.find(({ name }) => name === 'process task.llm.v1')?.attributes).toMatchObject({
    [messagingAttributes.system]: 'nats',
    [messagingAttributes.consumerGroup]: 'worker-llm',
    [millraceAttributes.tenantId]: 'acme',
    [millraceAttributes.runId]: expect.stringMatching(/^run_/),
    [millraceAttributes.node]: 'outline',
    [millraceAttributes.attempt]: 1,
    [millraceAttributes.deliveryCount]: 1,
    [millraceAttributes.correlationId]: 'main-job',
  });
  expect(trace.find(({ name }) => name === 'SELECT completion')?.attributes).toMatchObject({
    [databaseAttributes.system]: 'postgresql',
    [databaseAttributes.namespace]: 'llm_provider',
    [databaseAttributes.text]: expect.stringContaining('$1'),
  });
  expect(trace[0]?.resource).toMatchObject({
    'service.instance.id': expect.any(String),
    'process.pid': expect.any(Number),
  });
}
