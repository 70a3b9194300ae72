import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEmbedded, protectTenantTable, type DatabaseBackend } from '@millrace/database';
import { deferred, eventually } from '@millrace/testing';
import {
  Body,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { currentLogContext } from '@millrace/telemetry';
import {
  DATABASE,
  defineSubscriptions,
  HEALTH,
  type HealthCheck,
  type ServiceDatabase,
  type ServiceDefinition,
} from '../index.js';
import { GreetHandler, greetGuest, GuestBook, guestHouse } from '../testing/guest-house.js';
import { SpecHost } from '../testing/host.js';
import { serveHealth } from './health-server.js';

let host: SpecHost;
beforeEach(() => {
  host = new SpecHost();
});
afterEach(() => host.close());

describe('the life of a service', () => {
  it('binds its inbox after every init, and unbinds it before every shutdown hook', async () => {
    const seen: string[] = [];
    const isBound = () =>
      host.request(greetGuest, { name: 'Ada' }).then(
        () => 'bound',
        (error: { code: string }) => error.code,
      );

    @Injectable()
    class Witness implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
      async onModuleInit(): Promise<void> {
        seen.push(`init ${await isBound()}`);
      }
      async onApplicationBootstrap(): Promise<void> {
        seen.push(`bootstrap ${await isBound()}`);
      }
      async onModuleDestroy(): Promise<void> {
        seen.push(`destroy ${await isBound()}`);
      }
      beforeApplicationShutdown(): void {
        seen.push('shutdown');
      }
    }
    @Module({ providers: [Witness, GreetHandler, GuestBook] })
    class WitnessModule {}
    const subscriptions = defineSubscriptions([{ contract: greetGuest, handler: GreetHandler }]);
    const service = await host.start({ ...guestHouse, module: WitnessModule, subscriptions });
    seen.push(`started ${await isBound()}`);
    await Promise.all([service.drain({ graceMs: 1_000 }), service.drain({ graceMs: 1_000 })]);
    expect(seen).toEqual([
      'init no_responders',
      'bootstrap no_responders',
      'started bound',
      'destroy no_responders',
      'shutdown',
    ]);
  });

  it('lets a request finish that it has taken, when it drains', async () => {
    const gate = deferred();
    const taken = deferred();
    @Injectable()
    class Slow extends GreetHandler {
      override handle(): never {
        taken.resolve();
        return gate.promise.then(() => ({ greeting: 'at last' })) as never;
      }
    }
    @Module({ providers: [Slow, GuestBook] })
    class SlowModule {}
    const subscriptions = defineSubscriptions([{ contract: greetGuest, handler: Slow }]);
    const service = await host.start({ ...guestHouse, module: SlowModule, subscriptions });
    const answer = host.request(greetGuest, { name: 'Ada' });
    await taken.promise;
    const drained = service.drain({ graceMs: 10_000 });
    expect((await service.health()).ready).toBe(false);
    gate.resolve();
    await drained;
    expect(await answer).toEqual({ greeting: 'at last' });
  });

  it('runs several services on one bus, and draining one leaves the others', async () => {
    const first = await host.start(guestHouse);
    await host.start({ ...guestHouse, name: 'second-house' });
    await first.drain({ graceMs: 0 });
    expect(await host.request(greetGuest, { name: 'Ada' })).toEqual({ greeting: 'Hello Ada' });
  });

  it('says who cannot start without a database', async () => {
    await expect(host.start({ ...guestHouse, migrations: {} })).rejects.toMatchObject({ code: 'database_missing' });
  });
});

describe('a service with tables', () => {
  interface Tables {
    readonly guest: { readonly tenant_id: string; readonly name: string };
  }
  let backend: DatabaseBackend;
  beforeEach(async () => {
    backend = await openEmbedded();
  }, 60_000);
  afterEach(() => backend.close());

  it('gets them migrated, under its name, and is ready with them', async () => {
    @Injectable()
    class Store {
      constructor(@Inject(DATABASE) readonly database: ServiceDatabase<Tables>) {}
    }
    @Module({ providers: [Store] })
    class StoreModule {}
    const definition: ServiceDefinition<object> = {
      name: 'guest-store',
      config: () => ({}),
      module: StoreModule,
      subscriptions: [],
      migrations: {
        '0001_setting': {
          up: async (db) => {
            await db.schema
              .createTable('setting')
              .addColumn('tenant_id', 'text', (column) => column.notNull())
              .addColumn('name', 'text', (column) => column.notNull())
              .addPrimaryKeyConstraint('setting_pkey', ['tenant_id', 'name'])
              .execute();
            await protectTenantTable(db, 'setting', { tenant: ['select'] });
          },
        },
      },
    };
    const service = await host.start(definition, { backend });
    expect(service.get(Store).database.schema).toBe('guest_store');
    expect(await service.health()).toEqual({ ready: true, problems: [] });
    await service.drain({ graceMs: 0 });
  }, 60_000);
});

describe('a service with HTTP', () => {
  @Controller()
  class FrontDesk {
    constructor(@Inject(HEALTH) private readonly health: HealthCheck) {}

    @Get('readyz')
    readyz(): Promise<unknown> {
      return this.health.check();
    }

    @Post('context')
    async context(@Body() body: unknown): Promise<unknown> {
      await Promise.resolve();
      return { body, ...currentLogContext() };
    }

    @Get('crash')
    crash(): never {
      throw new Error('secret detail');
    }
  }
  const gate = { promise: Promise.resolve() };
  @Controller()
  class SlowDesk {
    @Get('slow')
    async slow(): Promise<string> {
      await gate.promise;
      return 'done';
    }
  }
  @Module({ controllers: [FrontDesk, SlowDesk], providers: [GuestBook, GreetHandler] })
  class FrontModule {}
  const configured: string[] = [];
  const frontHouse: ServiceDefinition<{ readonly limit: number }> = {
    name: 'front-house',
    config: () => ({ limit: 1_000 }),
    module: FrontModule,
    subscriptions: defineSubscriptions([{ contract: greetGuest, handler: GreetHandler }]),
    http: {
      port: () => 0,
      host: () => '127.0.0.1',
      bodyLimit: ({ limit }) => limit,
      configure: (application, { limit }) => {
        configured.push(`limit ${limit}`);
        application
          .getHttpAdapter()
          .getInstance()
          .addHook('onSend', async (_request, reply) => {
            reply.header('x-configured', 'yes');
            await Promise.resolve();
          });
      },
    },
  };
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

  it('listens, lets the service add to it, and serves its inbox beside', async () => {
    const { url } = await host.start(frontHouse);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${url}/readyz`);
    expect(await response.json()).toEqual({ ready: true, problems: [] });
    expect(response.headers.get('x-configured')).toBe('yes');
    expect(configured).toEqual(['limit 1000']);
    expect(await host.request(greetGuest, { name: 'Ada' })).toEqual({ greeting: 'Hello Ada' });
    await expect(host.request(greetGuest, { name: 'nobody' })).rejects.toMatchObject({ code: 'guest_unknown' });
  });

  it("gives every request a correlation id: the caller's when it is harmless", async () => {
    const { url } = await host.start(frontHouse);
    const given = await post(`${url}/context`, '{"a":1}', { 'x-correlation-id': 'my-id-1' });
    expect(await given.json()).toEqual({ body: { a: 1 }, correlationId: 'my-id-1' });
    expect(given.headers.get('x-correlation-id')).toBe('my-id-1');
    await eventually(() => host.lines.some(({ msg }) => msg === 'answered'));
    expect(host.lines).toContainEqual(
      expect.objectContaining({
        msg: 'answered',
        correlationId: 'my-id-1',
        method: 'POST',
        route: '/context',
        status: 201,
      }),
    );
    for (const hostile of ['a b', 'x'.repeat(101), '{"$ne":1}']) {
      const response = await post(`${url}/context`, '{}', { 'x-correlation-id': hostile });
      expect(response.headers.get('x-correlation-id')).toMatch(/^req_[0-9a-f]{32}$/);
    }
  });

  it('bounds bodies and hides what went wrong inside', async () => {
    const { url } = await host.start(frontHouse);
    expect((await post(`${url}/context`, JSON.stringify({ text: 'x'.repeat(2_000) }))).status).toBe(413);
    const crash = await fetch(`${url}/crash`);
    expect(crash.status).toBe(500);
    expect(await crash.text()).not.toContain('secret detail');
  });

  it('ends on drain with what it was answering, and is reachable no more', async () => {
    const held = deferred();
    gate.promise = held.promise;
    const service = await host.start(frontHouse);
    const slow = fetch(`${service.url}/slow`).then((response) => response.text());
    await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
    const drained = service.drain({ graceMs: 10_000 });
    held.resolve();
    await drained;
    expect(await slow).toBe('done');
    await expect(fetch(`${service.url}/readyz`)).rejects.toThrow();
  });

  it('waits on drain for no connection on which nothing is asked', async () => {
    const held = deferred();
    gate.promise = held.promise;
    const service = await host.start(frontHouse);
    const { hostname, port } = new URL(service.url ?? '');
    const unused = connect(Number(port), hostname);
    const unusedEnded = once(unused, 'close');
    await once(unused, 'connect');
    const agent = new Agent({ keepAlive: true });
    const idleLater = httpRequest(`${service.url}/slow`, { agent }).end();
    await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
    const drained = service.drain({ graceMs: 90_000 });
    await unusedEnded;
    held.resolve();
    const [response] = (await once(idleLater, 'response')) as [IncomingMessage];
    response.resume();
    await drained;
    agent.destroy();
  });

  it('cuts what is still open at the end of the grace period', async () => {
    gate.promise = new Promise(() => undefined);
    const service = await host.start(frontHouse);
    const failed = new Promise((resolve) => httpRequest(`${service.url}/slow`).on('error', resolve).end());
    await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
    await service.drain({ graceMs: 100 });
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('health', () => {
  it('is served for services without HTTP: alive whatever happens, ready when its dependencies are', async () => {
    let ready = true;
    const check = () => Promise.resolve({ ready, problems: ready ? [] : ['bus: the connection is down'] });
    const server = await serveHealth({ check }, { host: '127.0.0.1', port: 0 });
    const get = async (path: string, method = 'GET') => {
      const response = await fetch(`${server.url}${path}`, { method });
      return { status: response.status, body: await response.json() };
    };
    expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ready', problems: [] } });
    ready = false;
    expect(await get('/readyz?verbose')).toEqual({
      status: 503,
      body: { status: 'not ready', problems: ['bus: the connection is down'] },
    });
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/other')).status).toBe(404);
    expect((await get('/healthz', 'POST')).status).toBe(405);
    await server.close();
  });

  it('reports a bus that is not ready', async () => {
    const service = await host.start(guestHouse);
    expect(await service.health()).toEqual({ ready: true, problems: [] });
    await host.bus.drain({ graceMs: 0 });
    expect((await service.health()).ready).toBe(false);
  });
});
