/** `npm run up` as a person has it: one command, real processes, the main job against them, and everything drained. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceClient } from '@millrace/client';
import { buildWorkspace, eventually } from '@millrace/testing';
import { connect } from '@nats-io/transport-node';
import pg from 'pg';
import { isAlive, startBuilt, type Command } from '../built-command.fixture.js';
import type { startedDocument } from './where-everything-is.js';

type StartedDocument = ReturnType<typeof startedDocument>;
interface Passwords {
  readonly operator: string;
  readonly services: Record<string, { readonly nats: string; readonly login: string; readonly owner: string }>;
  readonly subscribers: Record<string, string>;
}

let folder: string;
let data: string;
let up: Command;
let started: StartedDocument;
let client: MillraceClient;

const startUp = (...words: string[]): Command =>
  startBuilt('tools/cluster/dist/main.js', ['--data', data, '--port', '0', '--json', ...words]);

async function untilStarted(command: Command): Promise<StartedDocument> {
  await eventually(() => command.out().endsWith('}\n') || !command.running(), { timeoutMs: 120_000 });
  if (command.out().includes('"error"')) throw new Error(`It ended: ${command.out()}${command.error()}`);
  return JSON.parse(command.out()) as StartedDocument;
}

const passwords = (): Passwords => JSON.parse(readFileSync(started.credentials, 'utf8')) as Passwords;
const portOf = (url: string | undefined): number => Number(new URL(url ?? '').port);
const pidsOf = ({ services }: StartedDocument): number[] => services.map(({ pid }) => pid);

beforeAll(async () => {
  await buildWorkspace();
  folder = mkdtempSync(join(tmpdir(), 'millrace-up-'));
  data = mkdtempSync(join(tmpdir(), 'millrace-up-data-'));
  up = startUp('--events-for', 'default', '--replicas', 'orchestrator=2');
  started = await untilStarted(up);
  client = new MillraceClient({ baseUrl: started.url, apiKey: started.apiKey ?? '' });
}, 240_000);
afterAll(async () => {
  if (up?.running()) up.signal('SIGTERM');
  await up?.ended;
  for (const each of [folder, data]) rmSync(each, { recursive: true, force: true, maxRetries: 3 });
}, 120_000);

describe('npm run up', () => {
  it('says where everything is, in one document', () => {
    expect(started.services.map(({ name }) => name)).toEqual([
      'orchestrator-0',
      'orchestrator-1',
      'research-0',
      'llm-provider-0',
      'evaluation-0',
      'toolbox-0',
      'gateway-0',
    ]);
    expect(started).toMatchObject({ apiKey: expect.stringMatching(/^mr_/), subscribers: ['events-default'] });
    expect(pidsOf(started).every(isAlive)).toBe(true);
  });

  it('shows no password: not in its output, not in logs, not in the list of processes', () => {
    const { operator, services, subscribers } = passwords();
    const secrets = [
      operator,
      ...Object.values(subscribers),
      ...Object.values(services).flatMap(Object.values<string>),
    ];
    expect(secrets.length).toBe(20);
    const logs = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.log'));
    expect(logs.length).toBeGreaterThanOrEqual(10);
    const texts = [up.out(), up.error(), ...logs.map((file) => readFileSync(join(data, file), 'utf8'))];
    texts.push(execFileSync('ps', ['-ww', '-eo', 'args'], { encoding: 'utf8' }));
    for (const secret of secrets) expect(texts.some((text) => text.includes(secret))).toBe(false);
    for (const file of ['credentials.json', 'nats/server.conf', 'redis/server.conf'])
      expect(statSync(join(data, file)).mode & 0o077).toBe(0);
  });

  it('gives each service a login to its own database and no further', async () => {
    const { services } = passwords();
    const connectAs = async (service: string, database: string) => {
      const user = `millrace_${service}`;
      const password = services[service]?.login;
      const login = new pg.Client({
        host: '127.0.0.1',
        port: portOf(started.servers.postgres.url),
        user,
        password,
        database,
      });
      await login.connect();
      return login;
    };
    const login = await connectAs('research', 'millrace_research');
    const { rows } = await login.query(
      'select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication from pg_roles where rolname = current_user',
    );
    expect(rows).toEqual([
      { rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false, rolreplication: false },
    ]);
    const takeOn = (role: string) => login.query(`set role ${role}`).then(() => login.query('reset role'));
    await takeOn('millrace_research_service');
    await expect(takeOn('millrace_orchestrator_service')).rejects.toThrow(/permission denied/);
    await expect(login.query('create table millrace_mine (a int)')).rejects.toThrow(/permission denied/);
    await expect(login.query('drop table research.migration')).rejects.toThrow(/must be owner|permission denied/);
    await login.end();
    for (const database of ['millrace_orchestrator', 'millrace_gateway'])
      await expect(connectAs('research', database)).rejects.toThrow(/permission denied/);
  });

  it('does the main job, with the same document and the same article as in one process', async () => {
    const words = ['demo', '--json', '--topic', 'How Millrace survives a crash', '--out', join(folder, 'article.md')];
    const onServices = startBuilt('apps/millrace/dist/main.js', [...words, '--url', started.url], {
      environment: { MILLRACE_API_KEY: started.apiKey ?? '' },
    });
    expect({ code: await onServices.ended, error: onServices.error() }).toMatchObject({ code: 0 });
    const embedded = startBuilt('apps/millrace/dist/main.js', words, { nodeArguments: ['--liftoff-only'] });
    expect(await embedded.ended).toBe(0);
    const [there, here] = [onServices, embedded].map((each) => JSON.parse(each.out()) as Record<string, unknown>);
    expect(keysOf(there)).toEqual(keysOf(here));
    for (const part of ['model', 'article', 'citations', 'scores', 'usage', 'rejected'])
      expect(withoutIds(there?.[part])).toEqual(withoutIds(here?.[part]));
  }, 180_000);

  it("lets a tenant's user of NATS see the tenant's events", async () => {
    const nats = await connect({
      servers: new URL(started.servers.nats.url).host,
      user: 'events-default',
      pass: passwords().subscribers['default'],
    });
    const seen: string[] = [];
    nats.subscribe('evt.default.>', { callback: (_, { subject }) => void seen.push(subject) });
    await nats.flush();
    await client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 60 });
    await eventually(() => seen.includes('evt.default.run.completed.v1'));
    await nats.close();
  });

  it('starts again what dies, and says so', async () => {
    const toolbox = started.services.find(({ name }) => name === 'toolbox-0');
    process.kill(toolbox?.pid ?? 0, 'SIGKILL');
    process.kill(Number(readFileSync(join(data, 'nats/server.pid'), 'utf8')), 'SIGKILL');
    await eventually(() => /toolbox-0 is there again/.test(up.error()) && /nats is there again/.test(up.error()), {
      timeoutMs: 60_000,
    });
    expect(up.error()).toContain('toolbox-0 ended (signal SIGKILL); starting it again in 0.5 s');
    const run = await eventually(() => client.startRun({ graph: 'diamond', input: {} }, { waitSeconds: 60 }), {
      timeoutMs: 60_000,
    });
    expect(run.status).toBe('completed');
  }, 150_000);

  it('refuses a folder that is in use', async () => {
    const second = startUp();
    expect(await second.ended).toBe(1);
    expect(JSON.parse(second.out())).toMatchObject({ error: { code: 'data_folder_in_use' } });
  });

  it('drains on Ctrl-C, leaves no process behind, and finds its data again', async () => {
    const { items } = await client.listRuns({ limit: 1 });
    const pids = pidsOf(started);
    up.signal('SIGINT');
    expect(await up.ended).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    const order = [...up.error().matchAll(/^Draining (\S+)$/gm)].map(([, name]) => name);
    expect(order).toEqual(['gateway', 'toolbox', 'evaluation', 'llm-provider', 'research', 'orchestrator']);

    const { apiKey = '' } = started;
    up = startUp();
    started = await untilStarted(up);
    expect(started.apiKey).toBeNull();
    const again = new MillraceClient({ baseUrl: started.url, apiKey: apiKey ?? '' });
    expect((await again.listRuns({ limit: 1 })).items).toEqual(items);
  }, 180_000);

  it('exits at once on the second Ctrl-C, and what it started follows', async () => {
    up.signal('SIGTERM');
    await eventually(() => up.error().includes('draining'));
    up.signal('SIGTERM');
    expect([0, 130]).toContain(await up.ended);
    await eventually(() => !pidsOf(started).some(isAlive), { timeoutMs: 40_000 });
  }, 90_000);
});

/** The names of a document's properties, at every depth; of lists those of their first element. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(keysOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, keysOf(inner)]));
}

/** Documents get a new id wherever they are stored. */
const withoutIds = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, inner: unknown) => (name === 'documentId' ? '' : inner)));
