import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connectJetStream, type MessageBus } from '@millrace/messaging';
import {
  eventually,
  MetricsPage,
  startNatsServer,
  startPostgres,
  startScript,
  startTcpProxy,
  withClient,
  type NatsServer,
  type PostgresServer,
  type ScriptProcess,
} from '@millrace/testing';
import { greetGuest } from '../testing/guest-house.js';
import { SpecHost } from '../testing/host.js';

let nats: NatsServer;
let postgres: PostgresServer;
let databaseUrl: string;
const processes: ScriptProcess[] = [];

beforeAll(async () => {
  [nats, postgres] = await Promise.all([startNatsServer({ exclusive: true }), startPostgres()]);
  databaseUrl = await postgres.createDatabase('guest_house');
}, 120_000);
afterEach(async () => {
  await Promise.all(processes.splice(0).map((child) => child.kill()));
});
afterAll(async () => {
  await Promise.all([nats?.stop(), postgres?.stop()]);
});

/** The guest house as a process of its own, as its `main.ts` would run it. */
function runGuestHouse(
  environment: Record<string, string> = {},
  { migrations = '{}', commandLine = [] }: { migrations?: string; commandLine?: string[] } = {},
): ScriptProcess {
  const child = startScript(
    `import { runService } from '@millrace/service';
     import { guestHouse } from './libs/service/src/testing/guest-house.ts';
     await runService({ ...guestHouse, migrations: ${migrations} });`,
    {
      arguments: ['main.js', ...commandLine],
      environment: {
        MILLRACE_NATS_URL: nats.url,
        MILLRACE_DATABASE_URL: databaseUrl,
        MILLRACE_HEALTH_HOST: '127.0.0.1',
        MILLRACE_HEALTH_PORT: '0',
        MILLRACE_LOG_LEVEL: 'info',
        ...environment,
      },
    },
  );
  processes.push(child);
  return child;
}

const linesOf = (child: ScriptProcess): Record<string, unknown>[] =>
  child.output.standard
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Where its health is served, once it says that it is ready. */
const readyUrl = (child: ScriptProcess): Promise<string> =>
  eventually(
    () => {
      const ready = linesOf(child).find(({ msg }) => msg === 'ready');
      if (ready === undefined) throw new Error(child.output.error || child.output.standard || 'nothing was said');
      return String(ready['health']);
    },
    { timeoutMs: 60_000, describe: 'the service is ready' },
  );

const connectBus = (): Promise<MessageBus> => connectJetStream({ servers: nats.url, name: 'spec' });

describe('a service as a process', () => {
  it('serves its inbox and its health, and drains on SIGTERM', async () => {
    const child = runGuestHouse();
    const url = await readyUrl(child);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready', problems: [] });
    const host = new SpecHost(await connectBus());
    expect(await host.request(greetGuest, { name: 'Ada' })).toEqual({ greeting: 'Hello Ada' });
    await host.close();
    await child.kill('SIGTERM');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    const messages = linesOf(child).map(({ msg }) => msg);
    expect(messages).toEqual(expect.arrayContaining(['started', 'ready', 'draining', 'drained']));
    expect(linesOf(child).every(({ component }) => component !== undefined)).toBe(true);
  }, 120_000);

  it('shows what it measures in the Prometheus text format', async () => {
    const child = runGuestHouse();
    const url = await readyUrl(child);
    const host = new SpecHost(await connectBus());
    await host.request(greetGuest, { name: 'Ada' });
    await expect(host.request(greetGuest, { name: 'nobody' })).rejects.toThrow();
    await host.close();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const page = new MetricsPage(await response.text());
    const answered = { messaging_operation_name: 'respond', messaging_destination_template: 'cmd.>' };
    expect(page.sum('messaging_process_duration_seconds_count', answered)).toBe(2);
    expect(page.sum('messaging_process_duration_seconds_count', { error_type: 'not-found' })).toBe(1);
    expect(page.sum('millrace_service_ready', { millrace_service: 'guest-house' })).toBe(1);
    expect(page.sum('millrace_service_info', { millrace_service: 'guest-house' })).toBe(1);
    expect(page.sum('millrace_messaging_connected')).toBe(1);
    expect(page.sum('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect([...page.names]).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes']),
    );
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  }, 120_000);

  it('stays alive and says why it is not ready while NATS is away, and is ready again after', async () => {
    const child = runGuestHouse();
    const url = await readyUrl(child);
    await nats.kill();
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 503, { timeoutMs: 30_000 });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await nats.restart();
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 200, { timeoutMs: 30_000 });
    const host = new SpecHost(await connectBus());
    expect(await eventually(() => host.request(greetGuest, { name: 'Ada' }))).toEqual({ greeting: 'Hello Ada' });
    await host.close();
  }, 120_000);

  it('is not ready when its database says nothing, lives on, and ends in time', async () => {
    const { hostname, port, pathname, username, password } = new URL(databaseUrl);
    await using proxy = await startTcpProxy(Number(port), hostname);
    const credentials = username === '' ? '' : `${username}:${password}@`;
    const child = runGuestHouse({
      MILLRACE_DATABASE_URL: `postgres://${credentials}127.0.0.1:${proxy.port}${pathname}`,
      MILLRACE_DRAIN_GRACE_MS: '1000',
    });
    const url = await readyUrl(child);
    proxy.muteServer();
    await eventually(
      async () => {
        const response = await fetch(`${url}/readyz`);
        const { problems } = (await response.json()) as { problems: string[] };
        return response.status === 503 && problems.includes('database does not answer');
      },
      { timeoutMs: 30_000 },
    );
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    proxy.heal();
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 200, { timeoutMs: 60_000 });
    proxy.muteServer();
    const toldAt = performance.now();
    await child.kill('SIGTERM');
    // The grace period, what a handler may take on top, and what the process may take to end.
    expect(performance.now() - toldAt).toBeLessThan(10_000);
  }, 180_000);

  it('ends in time when it is told to while it still waits for its database', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const asked = once(silent, 'connection') as Promise<[Socket]>;
    const { port } = silent.address() as AddressInfo;
    const child = runGuestHouse({
      MILLRACE_DATABASE_URL: `postgres://me@127.0.0.1:${port}/x`,
      MILLRACE_DRAIN_GRACE_MS: '200',
    });
    const [socket] = await asked;
    await child.kill('SIGTERM');
    expect(await child.ended).toEqual({ code: 0, signal: null });
    socket.destroy();
    silent.close();
  }, 120_000);

  it.each([
    [
      { MILLRACE_HEALTH_PORT: 'x', MILLRACE_LOG_FORMAT: 'loud' },
      78,
      /MILLRACE_LOG_FORMAT: .*\n {2}MILLRACE_HEALTH_PORT: must be a whole number/,
    ],
    [{ MILLRACE_LOG_LEVEL: 'loud' }, 78, /MILLRACE_LOG_LEVEL: cannot read "loud"/],
    [{ MILLRACE_DATABASE_URL: '' }, 78, /MILLRACE_DATABASE_URL is not set/],
    [{ MILLRACE_NATS_URL: 'nats://me:CANARY@127.0.0.1:9' }, 1, /NATS cannot be reached/],
    [{ MILLRACE_DATABASE_URL: 'postgres://me:CANARY@127.0.0.1:9/x' }, 1, /database/i],
  ])(
    'that cannot start says why and exits: %j',
    async (environment, code, message) => {
      const child = runGuestHouse(environment);
      expect(await child.ended).toEqual({ code, signal: null });
      expect(child.output.error).toMatch(/^guest-house cannot run: /);
      expect(child.output.error).toMatch(message);
      expect(child.output.error + child.output.standard).not.toContain('CANARY');
    },
    120_000,
  );

  it.each([
    [['grow'], 64, /There is no "grow"/],
    [['migrate', 'twice'], 64, /There is no "migrate twice"/],
  ])('that is asked for something else says what there is: %j', async (commandLine, code, message) => {
    const child = runGuestHouse({}, { commandLine });
    expect(await child.ended).toEqual({ code, signal: null });
    expect(child.output.error).toMatch(message);
    expect(child.output.error).toContain('Usage: ');
  });

  it('migrates as its owner and exits; only then a login without rights may run it', async () => {
    const url = await postgres.createDatabase('guest_house_of_an_owner');
    const as = (user: string) => url.replace(/\/\/[^@]*@/, `//${user}:CANARY@`);
    await withClient(url, async (client) => {
      await client.query(`create role guest_owner login createrole password 'CANARY'`);
      await client.query(`create role guest_login login password 'CANARY'`);
      await client.query('alter database guest_house_of_an_owner owner to guest_owner');
    });
    const environment = { MILLRACE_DATABASE_URL: as('guest_login'), MILLRACE_DATABASE_MIGRATE: 'never' };
    const owner = { MILLRACE_DATABASE_MIGRATION_URL: as('guest_owner') };
    const migrations = `{ '0001_rooms': { up: async (db) => { await db.schema.createTable('room').addColumn('id', 'text').execute(); } } }`;

    const early = runGuestHouse(environment, { migrations });
    expect(await early.ended).toEqual({ code: 1, signal: null });
    expect(early.output.error).toMatch(/\[database_roles_missing\]$/m);

    for (const applied of [['0001_rooms'], []]) {
      const migrating = runGuestHouse({ ...environment, ...owner }, { migrations, commandLine: ['migrate'] });
      expect(await migrating.ended).toEqual({ code: 0, signal: null });
      expect(linesOf(migrating)).toContainEqual(expect.objectContaining({ msg: 'migrated', applied }));
      expect(migrating.output.error + migrating.output.standard).not.toContain('CANARY');
    }
    await readyUrl(runGuestHouse(environment, { migrations }));
  }, 180_000);

  it('that cannot migrate exits: 78 without an address, 1 without a server', async () => {
    const without = runGuestHouse({ MILLRACE_DATABASE_URL: '' }, { commandLine: ['migrate'] });
    const unreachable = runGuestHouse(
      { MILLRACE_DATABASE_MIGRATION_URL: 'postgres://me:CANARY@127.0.0.1:9/x' },
      { commandLine: ['migrate'] },
    );
    expect([await without.ended, await unreachable.ended].map(({ code }) => code)).toEqual([78, 1]);
    expect(unreachable.output.error).toMatch(/\[database_unavailable\]/);
    expect(unreachable.output.error).not.toContain('CANARY');
  }, 120_000);

  it('ends at once on a second signal, with work still going on', async () => {
    const child = startScript(
      `import { runService } from '@millrace/service';
       import { guestHouse, GuestHouseModule } from './libs/service/src/testing/guest-house.ts';
       GuestHouseModule.prototype.onModuleDestroy = () => new Promise(() => setInterval(() => {}, 1000));
       await runService(guestHouse);`,
      { environment: { MILLRACE_NATS_URL: nats.url, MILLRACE_HEALTH_PORT: '0' } },
    );
    processes.push(child);
    await readyUrl(child);
    process.kill(child.pid, 'SIGTERM');
    await eventually(() => linesOf(child).some(({ msg }) => msg === 'draining'));
    await child.kill('SIGTERM');
    expect(await child.ended).toEqual({ code: 1, signal: null });
  }, 120_000);

  it('ends with an error that nobody caught, and logs it without its secrets', async () => {
    const child = startScript(
      `import { runService } from '@millrace/service';
       import { guestHouse, GuestHouseModule } from './libs/service/src/testing/guest-house.ts';
       GuestHouseModule.prototype.onApplicationBootstrap = () => {
         setTimeout(() => Promise.reject(new Error('password=CANARY was wrong')), 50);
       };
       await runService(guestHouse);`,
      { environment: { MILLRACE_NATS_URL: nats.url, MILLRACE_HEALTH_PORT: '0' } },
    );
    processes.push(child);
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(linesOf(child)).toContainEqual(expect.objectContaining({ level: 'fatal', msg: 'uncaught error' }));
    expect(child.output.error + child.output.standard).not.toContain('CANARY');
  }, 120_000);
});
