/** Programs that know NATS and nothing of Millrace, as `examples/clients` shows them, against real servers and services. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKey, envelopeOf } from '@millrace/contracts';
import { gatewayService } from '@millrace/gateway';
import { connectJetStream, type JetStreamBus } from '@millrace/messaging';
import { orchestratorService } from '@millrace/orchestrator';
import { type AnyServiceDefinition, type RunningService, startService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { eventually, type NatsServer, startNatsServer, testBackend } from '@millrace/testing';
import { toolboxService } from '@millrace/toolbox';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../examples/clients/', import.meta.url));
const python = process.env['MILLRACE_TEST_PYTHON'];
const environmentOfPython = python === undefined ? undefined : mkdtempSync(join(tmpdir(), 'millrace-python-'));

interface Language {
  readonly name: string;
  readonly program: string;
  readonly followEvents: string;
  readonly startRun: string;
}

const languages: readonly Language[] = [
  {
    name: 'JavaScript',
    program: process.execPath,
    followEvents: join(folder, 'javascript/follow-events.js'),
    startRun: join(folder, 'javascript/start-run.js'),
  },
  ...(environmentOfPython === undefined
    ? []
    : [
        {
          name: 'Python',
          program: join(environmentOfPython, 'bin/python'),
          followEvents: join(folder, 'python/follow_events.py'),
          startRun: join(folder, 'python/start_run.py'),
        },
      ]),
];

let nats: NatsServer;
let bus: JetStreamBus;
const running: RunningService[] = [];
const ends: (() => Promise<unknown>)[] = [];
const programs = new Set<ChildProcess>();

beforeAll(async () => {
  if (python !== undefined && environmentOfPython !== undefined) {
    execFileSync(python, ['-m', 'venv', environmentOfPython]);
    const requirements = join(folder, 'python/requirements.txt');
    execFileSync(join(environmentOfPython, 'bin/pip'), ['install', '--quiet', '-r', requirements]);
  }
  nats = await startNatsServer({ exclusive: true });
  bus = await connectJetStream({ servers: nats.url, name: 'services' });
  for (const service of [orchestratorService, toolboxService, gatewayService]) await start(service);
}, 180_000);

afterAll(async () => {
  for (const program of programs) program.kill('SIGKILL');
  for (const service of running.toReversed()) await service.drain({ graceMs: 1_000 });
  await bus.drain({ graceMs: 1_000 });
  for (const end of ends) await end();
  await nats.stop();
  if (environmentOfPython !== undefined) rmSync(environmentOfPython, { recursive: true, force: true });
});

async function start(definition: AnyServiceDefinition): Promise<void> {
  const { name: service, migrations } = definition;
  const backend = migrations === undefined ? undefined : await testBackend('postgres', [{ service, migrations }]);
  if (backend !== undefined) ends.push(() => backend.close());
  const environment = { MILLRACE_HTTP_PORT: '0' };
  const logger = createLogger({ levels: parseLogLevels('fatal') });
  running.push(await startService(definition, { environment, bus, backend, logger }));
}

interface Program {
  readonly child: ChildProcess;
  readonly output: { standard: string; error: string };
  readonly ended: Promise<number | null>;
}

function run(program: string, words: readonly string[], tenant = 'acme'): Program {
  const child = spawn(program, words, { env: { PATH: process.env['PATH'], NATS_URL: nats.url, TENANT: tenant } });
  programs.add(child);
  const output = { standard: '', error: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.standard += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.error += text));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, ended };
}

async function following(language: Language, words: readonly string[], tenant?: string): Promise<Program> {
  const program = run(language.program, [language.followEvents, ...words], tenant);
  await eventually(() => program.output.error.includes('following evt.'), { timeoutMs: 30_000 });
  return program;
}

type Seen = Record<string, unknown> & { data: Record<string, unknown> };
const eventsOf = ({ output }: Program): Seen[] =>
  output.standard
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Seen);

/** What anybody with a key can do over HTTP. */
async function publish(event: Record<string, unknown>): Promise<void> {
  const context = { tenantId: 'acme', correlationId: 'spec', causationId: null };
  const envelope = envelopeOf(createKey, context, { name: 'spec', role: 'editor', onlyFirst: false });
  const { key } = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
  const response = await fetch(`${running.at(-1)?.url}/v1/events`, {
    method: 'POST',
    headers: { 'x-api-key': key?.secret ?? '', 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ specversion: '1.0', source: '/shop', type: 'order.placed.v1', ...event }),
  });
  expect(response.status).toBe(202);
}

describe.each(languages.map((language) => [language.name, language] as const))('a client in %s', (_, language) => {
  it('starts a run, hears of its end, and others hear of it as CloudEvents', async () => {
    const all = await following(language, []);
    const ended = await following(language, ['run.completed.v1', 'source=/millrace/orchestrator']);
    const others = await following(language, [], 'other');
    const starter = run(language.program, [language.startRun, 'diamond']);
    expect([await starter.ended, starter.output.error]).toEqual([0, expect.stringMatching(/^run_[0-9a-f]{32} is /)]);
    const [end] = eventsOf(starter);
    const runId = end?.data['runId'];
    expect(end).toMatchObject({ type: 'millrace.run.completed.v1', data: { graph: { name: 'diamond' } } });
    await eventually(() => eventsOf(ended).length === 1 && eventsOf(all).length >= 2);
    expect(eventsOf(ended)[0]).toEqual({
      specversion: '1.0',
      id: expect.stringContaining(`${String(runId)}:`),
      source: '/millrace/orchestrator',
      type: 'millrace.run.completed.v1',
      subject: runId,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      datacontenttype: 'application/json',
      tenantid: 'acme',
      correlationid: expect.stringMatching(/^start-run-/),
      causationid: runId,
      data: end?.data,
    });
    expect(eventsOf(all).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['millrace.run.started.v1', 'millrace.run.completed.v1']),
    );
    for (const { child } of [all, ended, others]) child.kill('SIGTERM');
    expect(await Promise.all([all.ended, ended.ended, others.ended])).toEqual([0, 0, 0]);
    expect(others.output.standard).toBe('');
  }, 120_000);

  it('picks events by their attributes, whatever stands in them', async () => {
    const follower = await following(language, ['custom.>', 'region=Zürich 100% "süd"']);
    await publish({ id: `${language.name}-1`, region: 'north', data: { order: 1 } });
    await publish({ id: `${language.name}-2`, region: 'Zürich 100% "süd"', data: { order: 2 } });
    await eventually(() => eventsOf(follower).length === 1);
    expect(eventsOf(follower)[0]).toMatchObject({
      id: `${language.name}-2`,
      type: 'order.placed.v1',
      data: { order: 2 },
    });
    follower.child.kill('SIGTERM');
    await follower.ended;
  }, 60_000);

  it('is told in words and by a code why a run was not started', async () => {
    const starter = run(language.program, [language.startRun, 'no-such-graph']);
    expect(await starter.ended).toBe(1);
    expect(starter.output.error).toMatch(/\((unknown_graph|graph_not_found)\)\n$/);
    expect(starter.output.standard).toBe('');
  }, 60_000);
});
