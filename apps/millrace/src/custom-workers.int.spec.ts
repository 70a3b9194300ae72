/** Programs of tenants that work on tasks, as `examples/workers` and the SDK show them, each as its own user of a real NATS. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  cancelRun,
  customResultSubject,
  customWorkerSubject,
  envelopeOf,
  getRun,
  partitionOf,
  startRun,
  taskResult,
  type Run,
} from '@millrace/contracts';
import { MillraceError, newId, type JsonObject } from '@millrace/kernel';
import {
  connectCustomWorker,
  connectJetStream,
  customWorkerUser,
  installationUsers,
  operatorUser,
  renderUsers,
  type JetStreamBus,
  type MessageBus,
} from '@millrace/messaging';
import { orchestratorService } from '@millrace/orchestrator';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { deferred, eventually, startNatsServer, testBackend, type NatsServer } from '@millrace/testing';
import { startCustomWorker } from '@millrace/worker';
import { parseGraphSource } from '@millrace/workflow';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const examples = join(import.meta.dirname, '../../../examples');
const parsed = parseGraphSource(readFileSync(join(examples, 'graphs/prices.yaml'), 'utf8'));
const graph: JsonObject = 'document' in parsed ? parsed.document : {};
const python = process.env['MILLRACE_TEST_PYTHON'];
const environmentOfPython = python === undefined ? undefined : mkdtempSync(join(tmpdir(), 'millrace-python-'));

const languages: readonly (readonly [string, string, string])[] = [
  ['JavaScript', process.execPath, join(examples, 'workers/javascript/prices.js')],
  ...(environmentOfPython === undefined
    ? []
    : [['Python', join(environmentOfPython, 'bin/python'), join(examples, 'workers/python/prices.py')] as const]),
];
const prices = { tenantId: 'acme', worker: 'prices' };
const workers = [prices, { tenantId: 'acme', worker: 'slow' }, { tenantId: 'globex', worker: 'prices' }];
const pass = 'p4ssword';

let nats: NatsServer;
let services: JetStreamBus;
let orchestrator: RunningService;
let closeBackend: () => Promise<unknown>;
const open: MessageBus[] = [];
const programs = new Set<ChildProcess>();

beforeAll(async () => {
  if (python !== undefined && environmentOfPython !== undefined) {
    execFileSync(python, ['-m', 'venv', environmentOfPython]);
    const requirements = join(examples, 'workers/python/requirements.txt');
    execFileSync(join(environmentOfPython, 'bin/pip'), ['install', '--quiet', '-r', requirements]);
  }
  nats = await startNatsServer({ config: renderUsers(installationUsers([], () => pass, workers)) });
  services = await busOf('orchestrator');
  const { migrations = {} } = orchestratorService;
  const backend = await testBackend('postgres', [{ service: 'orchestrator', migrations }]);
  closeBackend = () => backend.close();
  const logger = createLogger({ levels: parseLogLevels('fatal') });
  orchestrator = await startService(orchestratorService, { environment: {}, bus: services, backend, logger });
}, 180_000);

afterAll(async () => {
  for (const program of programs) program.kill('SIGKILL');
  for (const bus of open.toReversed()) if (bus !== services) await bus.drain({ graceMs: 0 });
  await orchestrator.drain({ graceMs: 1_000 });
  await services.drain({ graceMs: 1_000 });
  await closeBackend();
  await nats.stop();
  if (environmentOfPython !== undefined) rmSync(environmentOfPython, { recursive: true, force: true });
});

async function busOf(user: string): Promise<JetStreamBus> {
  const bus = await connectJetStream({ servers: `127.0.0.1:${nats.port}`, name: user, user, pass });
  open.push(bus);
  return bus;
}

async function workerBus(identity: { readonly tenantId: string; readonly worker: string }): Promise<JetStreamBus> {
  const user = customWorkerUser(identity);
  const bus = await connectCustomWorker({ ...identity, servers: `127.0.0.1:${nats.port}`, user, pass });
  open.push(bus);
  return bus;
}

const contextOf = (tenantId: string) => ({ tenantId, correlationId: 'spec', causationId: null });

let operator: Promise<JetStreamBus> | undefined;
const asOperator = () => (operator ??= busOf(operatorUser));

async function start(input: JsonObject, document: JsonObject = graph, tenantId = 'acme'): Promise<string> {
  const runId = newId('run');
  const envelope = envelopeOf(startRun, contextOf(tenantId), { runId, graph: document, input });
  await (await asOperator()).request({ subject: startRun.subject, envelope });
  return runId;
}

async function ended(runId: string, tenantId = 'acme'): Promise<Run> {
  const bus = await asOperator();
  return eventually(
    async () => {
      const envelope = envelopeOf(getRun, contextOf(tenantId), { runId });
      const run = getRun.response.parse(await bus.request({ subject: getRun.subject, envelope }));
      return run.finishedAt !== null && run;
    },
    { timeoutMs: 30_000, describe: `${runId} has ended` },
  );
}

describe.each(languages)('a worker in %s', (_, program, script) => {
  it('takes tasks that waited for it, answers them, and says what is wrong for good', async () => {
    const waiting = await start({ items: [{ sku: 'mug', count: 2 }] });
    const environment = { PATH: process.env['PATH'], NATS_URL: `nats://127.0.0.1:${nats.port}`, TENANT: 'acme' };
    const child = spawn(program, [script], {
      env: { ...environment, NATS_USER: customWorkerUser(prices), NATS_PASSWORD: pass },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    programs.add(child);
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await eventually(() => said.includes('waiting for tasks of acme/prices'), { timeoutMs: 30_000 });
    expect(await ended(waiting)).toMatchObject({ status: 'completed', output: { total: 19 } });
    const wrong = await start({ items: [{ sku: 'yacht', count: 1 }] });
    expect(await ended(wrong)).toMatchObject({
      status: 'failed',
      error: { code: 'unknown_item', message: 'Nobody sells "yacht".', node: 'quote' },
      steps: [{ node: 'quote', attempts: 1 }],
    });
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  }, 120_000);
});

describe('a worker with the SDK', () => {
  it('works, and stops when its run is cancelled', async () => {
    const bus = await workerBus(prices);
    const seen: unknown[] = [];
    const stopped = deferred<unknown>();
    const worker = await startCustomWorker({
      ...prices,
      bus,
      slots: 2,
      execute: async (input, { tenantId, node, signal }) => {
        seen.push([tenantId, node, input]);
        if (seen.length === 1) return { output: { total: 7 } };
        await once(signal, 'abort');
        stopped.resolve(signal.reason);
        throw signal.reason;
      },
    });
    expect(await ended(await start({ items: [] }))).toMatchObject({ status: 'completed', output: { total: 7 } });
    expect(seen).toEqual([['acme', 'quote', { items: [] }]]);
    const runId = await start({ items: [] });
    await eventually(() => seen.length === 2);
    const envelope = envelopeOf(cancelRun, contextOf('acme'), { runId, reason: 'enough' });
    await (await asOperator()).request({ subject: cancelRun.subject, envelope });
    expect(await stopped.promise).toMatchObject({ code: 'run_cancelled' });
    await worker.drain({ graceMs: 1_000 });
  }, 60_000);

  it('tells of an output that no message could carry', async () => {
    const slow = { tenantId: 'acme', worker: 'slow' };
    const bus = await workerBus(slow);
    const worker = await startCustomWorker({
      ...slow,
      bus,
      slots: 1,
      execute: () => Promise.resolve({ output: 'x'.repeat(2_000_000) }),
    });
    const [node] = graph['nodes'] as JsonObject[];
    const large = { ...graph, nodes: [{ ...node, worker: 'slow' }], output: null };
    expect(await ended(await start({ items: [] }, large))).toMatchObject({ error: { code: 'output_too_large' } });
    await worker.drain({ graceMs: 1_000 });
  }, 60_000);

  it("cannot open, take or answer what is another worker's or another tenant's", async () => {
    const bus = await workerBus({ tenantId: 'globex', worker: 'prices' });
    const execute = () => Promise.reject(new MillraceError('internal', 'stolen', 'It must not come here.'));
    const foreign = startCustomWorker({ ...prices, bus, slots: 1, execute });
    // It opens the queue of its own user, whatever it says, and may not pull from another.
    const worker = await foreign.catch(() => undefined);
    const runId = await start({ items: [] });
    const data = {
      ...{ taskId: `${runId}:quote:1`, runId, node: 'quote', attempt: 1 },
      outcome: { status: 'completed', output: { total: 0 } } as const,
    };
    const own = customResultSubject({ tenantId: 'globex', worker: 'prices' }, partitionOf(runId));
    const send = (subject: string, tenantId: string) =>
      bus.request({ subject, envelope: envelopeOf(taskResult, contextOf(tenantId), data) }, { timeoutMs: 2_000 });
    await expect(send(own, 'acme')).rejects.toMatchObject({ code: 'foreign_tenant' });
    expect(await send(own, 'globex')).toMatchObject({ applied: false });
    await expect(send(customResultSubject(prices, partitionOf(runId)), 'acme')).rejects.toMatchObject({
      code: 'bus_forbidden',
    });
    await expect(
      bus.publish({ subject: customWorkerSubject(prices), envelope: envelopeOf(taskResult, contextOf('acme'), {}) }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/forbidden|timeout/) });
    const mine = await startCustomWorker({
      ...prices,
      bus: await workerBus(prices),
      slots: 1,
      execute: () => Promise.resolve({ output: { total: 5 } }),
    });
    expect(await ended(runId)).toMatchObject({ status: 'completed', output: { total: 5 } });
    await mine.drain({ graceMs: 1_000 });
    await worker?.drain({ graceMs: 0 });
  }, 60_000);
});
