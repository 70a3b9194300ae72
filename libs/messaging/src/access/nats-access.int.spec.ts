/** What the users of an installation may do, held against a real server. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { envelopeOf, llmTask, searchTask, toolTask } from '@millrace/contracts';
import { deferred, eventually, startNatsServer, type NatsServer } from '@millrace/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { Delivery, DeliveryOutcome } from '../bus.js';
import { connectJetStream, type JetStreamBus } from '../jetstream/connect-jetstream.js';
import { inboxPrefixOf, operatorPermissions, permissionsOf, subscriberPermissions } from './nats-permissions.js';
import { renderUsers } from './nats-users.js';
import { serviceAccess, type ServiceName } from './service-access.js';

const names = Object.keys(serviceAccess) as ServiceName[];
const workers: readonly ServiceName[] = ['research', 'llm-provider', 'evaluation', 'toolbox'];
const password = 'p4ssword';
const tenants = ['acme', 'globex'] as const;

let server: NatsServer;
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  const config = renderUsers([
    { user: 'operator', password, permissions: operatorPermissions },
    ...names.map((name) => ({ user: name, password, permissions: permissionsOf(name, serviceAccess[name]) })),
    ...tenants.map((tenant) => ({ user: tenant, password, permissions: subscriberPermissions(tenant) })),
  ]);
  server = await startNatsServer({ config });
  for (const name of names) await busOf(name);
});
afterAll(async () => {
  await Promise.all(open.map((each) => each.close()));
  await server.stop();
});

const buses = new Map<string, Promise<JetStreamBus>>();
function busOf(name: ServiceName | 'operator'): Promise<JetStreamBus> {
  const opening =
    buses.get(name) ??
    connectJetStream({ servers: `127.0.0.1:${server.port}`, name, user: name, pass: password }).then((bus) => {
      open.push({ close: () => bus.drain({ graceMs: 0 }) });
      return bus;
    });
  buses.set(name, opening);
  return opening;
}

interface RawUser {
  readonly nats: NatsConnection;
  readonly violations: { readonly operation: string; readonly subject: string }[];
}
const users = new Map<string, Promise<RawUser>>();
function userNamed(user: string): Promise<RawUser> {
  const opening =
    users.get(user) ??
    connect({ servers: `127.0.0.1:${server.port}`, user, pass: password, inboxPrefix: inboxPrefixOf(user) }).then(
      (nats) => {
        const violations: RawUser['violations'] = [];
        const watch = async (): Promise<void> => {
          for await (const status of nats.status()) {
            if (status.type === 'error' && status.error instanceof errors.PermissionViolationError)
              violations.push(status.error);
          }
        };
        void watch();
        open.push({ close: () => nats.close() });
        return { nats, violations };
      },
    );
  users.set(user, opening);
  return opening;
}

/** Which of the subjects the server lets a user publish to. Nothing that is stored is looked at here. */
async function publishable(user: string, subjects: readonly string[]): Promise<string[]> {
  const { nats, violations } = await userNamed(user);
  for (const subject of subjects) nats.publish(subject);
  await nats.flush();
  const refused = () => violations.filter(({ operation }) => operation === 'publish').map(({ subject }) => subject);
  await nats.flush();
  return subjects.filter((subject) => !refused().includes(subject));
}

async function subscribable(user: string, subjects: readonly string[]): Promise<string[]> {
  const { nats, violations } = await userNamed(user);
  for (const subject of subjects) nats.subscribe(subject, { callback: () => undefined });
  await nats.flush();
  await nats.flush();
  const refused = violations.filter(({ operation }) => operation === 'subscription').map(({ subject }) => subject);
  return subjects.filter((subject) => !refused.includes(subject));
}

const context = { tenantId: 'acme', correlationId: 'cor_1', causationId: null };
const message = (subject: string, data: unknown = {}) => ({
  subject,
  envelope: envelopeOf({ name: 'probe', version: 1 }, context, data),
});

describe('a service as a user of NATS', () => {
  it.each(names)('%s reads replies to itself and to nobody else', async (name) => {
    const inboxes = names.map((other) => `${inboxPrefixOf(other)}.>`);
    expect(await subscribable(name, inboxes)).toEqual([`${inboxPrefixOf(name)}.>`]);
    expect(await subscribable(name, ['>', '_INBOX.>', '*.>', '$JS.>', '$SYS.>', '$O.>'])).toEqual([]);
  });

  it('answers only what it owns', async () => {
    const doors = names.map((owner) => `cmd.${owner}.thing.do.v1`);
    for (const name of names) expect(await subscribable(name, doors)).toEqual([`cmd.${name}.thing.do.v1`]);
    for (const name of names) {
      const results = await subscribable(name, ['result.3.v1', 'cmd.orchestrator.partition-3.deliver.v1']);
      expect(results.length).toBe(name === 'orchestrator' ? 2 : 0);
    }
  });

  it('sends tasks and events of runs only as the orchestrator', async () => {
    const subjects = ['task.probe.v1', 'evt.acme.run.completed.v1', 'live.run_1.ended'];
    for (const name of names)
      expect(await publishable(name, subjects)).toEqual(name === 'orchestrator' ? subjects : []);
  });

  it('sends results only as a worker, and commands only to whom it may ask', async () => {
    for (const name of names) {
      const results = await publishable(name, ['result.0.v1']);
      expect(results.length).toBe(workers.includes(name) ? 1 : 0);
    }
    const commands = [
      'cmd.orchestrator.run.start.v1',
      'cmd.research.collection.create.v1',
      'cmd.gateway.key.create.v1',
    ];
    for (const name of names)
      expect(await publishable(name, commands)).toEqual(name === 'gateway' ? commands.slice(0, 2) : []);
    expect(await publishable('gateway', ['cmd.orchestrator.partition-3.deliver.v1'])).toEqual([]);
    expect(await publishable('evaluation', ['cmd.research.citation.resolve.v1'])).toHaveLength(1);
  });

  it('touches no stream but to read it, and only the orchestrator changes one', async () => {
    const harm = ['DELETE', 'PURGE', 'MSG.DELETE', 'MSG.GET', 'SNAPSHOT'].map(
      (action) => `$JS.API.STREAM.${action}.TASKS`,
    );
    const foreign = ['$JS.API.STREAM.CREATE.OTHER', '$JS.API.STREAM.LIST', '$JS.API.ACCOUNT.PURGE.x'];
    for (const name of names) {
      expect(await publishable(name, [...harm, ...foreign])).toEqual([]);
      const update = await publishable(name, ['$JS.API.STREAM.UPDATE.TASKS']);
      expect(update.length).toBe(name === 'orchestrator' ? 1 : 0);
    }
  });

  it('sees how much waits for workers as the orchestrator, which shares turns by it', async () => {
    const looks = ['worker-llm', 'worker-tool', 'worker=acme=prices'].map(
      (consumer) => `$JS.API.CONSUMER.INFO.TASKS.${consumer}`,
    );
    expect(await publishable('orchestrator', looks)).toEqual(looks);
    expect(await publishable('gateway', looks)).toEqual([]);
  });

  it('takes tasks of its own kinds only, under whatever name', async () => {
    const take = [llmTask, searchTask, toolTask].flatMap(({ subject, taskKind }) => [
      `$JS.API.CONSUMER.CREATE.TASKS.worker-${taskKind}.${subject}`,
      `$JS.API.CONSUMER.MSG.NEXT.TASKS.worker-${taskKind}`,
      `$JS.ACK.TASKS.worker-${taskKind}.1.1.1.1.0`,
    ]);
    expect(await publishable('research', take)).toEqual(take.slice(3, 6));
    expect(await publishable('gateway', take)).toEqual([]);
    const tricks = [
      `$JS.API.CONSUMER.CREATE.TASKS.worker-search.${llmTask.subject}`,
      '$JS.API.CONSUMER.CREATE.TASKS.worker-search.task.>',
      '$JS.API.CONSUMER.CREATE.TASKS',
      '$JS.API.CONSUMER.DURABLE.CREATE.TASKS.worker-search',
      '$JS.API.CONSUMER.DELETE.TASKS.worker-llm',
    ];
    expect(await publishable('research', tricks)).toEqual([]);
  });

  it('can do its work: asks, answers, takes tasks, buries, streams, with payloads of any size', async () => {
    const [gateway, orchestrator, research] = await Promise.all([
      busOf('gateway'),
      busOf('orchestrator'),
      busOf('research'),
    ]);
    const large = 'x'.repeat(400_000);
    await orchestrator.respond('cmd.orchestrator.run.start.v1', { queue: 'q', maxInFlight: 1 }, () =>
      Promise.resolve(large),
    );
    expect(await gateway.request(message('cmd.orchestrator.run.start.v1', large))).toBe(large);

    const taken = deferred<Delivery>();
    const { subject, ackWaitMs } = searchTask;
    const consumer = { durableName: 'worker-search', subject, slots: 2, ackWaitMs, maxDeliveries: 5 };
    await research.consume(consumer, (delivery): Promise<DeliveryOutcome> => {
      taken.resolve(delivery);
      const error = { kind: 'invalid', code: 'probe', message: 'A probe.', retryable: false } as const;
      return Promise.resolve({ kind: 'dead-letter', error });
    });
    const operator = await busOf('operator');
    const buried = deferred<string>();
    await operator.subscribe('dlq.>', (letter) => buried.resolve(letter.subject));
    await orchestrator.publish(message(subject, large));
    expect((await taken.promise).envelope.data).toBe(large);
    expect(await buried.promise).toBe(`dlq.${subject}`);

    await research.publish(message('live.run_1.tokens', 'first'));
    const signal = AbortSignal.timeout(20_000);
    for await (const { envelope } of gateway.follow('live.run_1.tokens', { afterSequence: 0, signal })) {
      expect(envelope.data).toBe('first');
      break;
    }
  });

  it('shows the text of a call while it is written, and ends a call that nobody waits for', async () => {
    const [gateway, provider] = [await busOf('gateway'), await busOf('llm-provider')];
    const [heard, stopped] = [deferred<unknown>(), deferred<string>()];
    await gateway.subscribe('live.call_1.pieces', ({ envelope }) => heard.resolve(envelope.data));
    await provider.subscribe('live.*.stop', ({ subject }) => stopped.resolve(subject));
    provider.notify(message('live.call_1.pieces', 'Herons'));
    gateway.notify(message('live.call_1.stop'));
    expect(await heard.promise).toBe('Herons');
    expect(await stopped.promise).toBe('live.call_1.stop');
  });

  it('hears at once, and why, when it asks what it may not', async () => {
    const asking = (await busOf('research')).request(message('cmd.gateway.key.create.v1'));
    await expect(asking).rejects.toMatchObject({
      code: 'bus_forbidden',
      message: expect.stringContaining('cmd.gateway.key.create.v1'),
    });
  });

  it('starts with streams that another version declared, which only the orchestrator brings up to date', async () => {
    const { nats } = await userNamed('operator');
    const manager = await jetstreamManager(nats);
    await manager.streams.update('LIVE', { max_msgs: 7 });
    const limitOf = async () => (await manager.streams.info('LIVE')).config.max_msgs;
    const again = (name: ServiceName) =>
      connectJetStream({ servers: `127.0.0.1:${server.port}`, name, user: name, pass: password });
    await (await again('toolbox')).drain({ graceMs: 0 });
    expect(await limitOf()).toBe(7);
    await (await again('orchestrator')).drain({ graceMs: 0 });
    expect(await limitOf()).toBe(500_000);
  });
});

describe("a tenant's user of NATS", () => {
  it('sees the events of its tenant and of no other', async () => {
    const [acme, globex] = await Promise.all(tenants.map(userNamed));
    const seen: string[] = [];
    for (const user of [acme, globex]) {
      const tenant = user === acme ? 'acme' : 'globex';
      user?.nats.subscribe(`evt.${tenant}.>`, {
        callback: (_, { subject }) => void seen.push(`${tenant} saw ${subject}`),
      });
      await user?.nats.flush();
    }
    const orchestrator = await busOf('orchestrator');
    await orchestrator.publish(message('evt.acme.run.completed.v1'));
    await orchestrator.publish(message('evt.globex.run.failed.v1'));
    await eventually(() => seen.length >= 2);
    expect(seen.sort()).toEqual(['acme saw evt.acme.run.completed.v1', 'globex saw evt.globex.run.failed.v1']);
  });

  it('may do nothing else', async () => {
    const subjects = ['evt.>', 'evt.*.run.completed.v1', 'evt.globex.>', 'live.>', '>', '_INBOX.>', '_INBOX_acme.>'];
    expect(await subscribable('acme', subjects)).toEqual([]);
    const publish = [
      'evt.acme.run.completed.v1',
      'cmd.orchestrator.run.start.v1',
      '$JS.API.INFO',
      '$JS.API.CONSUMER.CREATE.EVENTS',
    ];
    expect(await publishable('acme', publish)).toEqual([]);
  });

  it.each(['', '*', '>', 'acme.>', 'ACME', 'a b', 'acme"'])('is not made for %j, which is no tenant', (tenant) => {
    expect(() => subscriberPermissions(tenant)).toThrow(expect.objectContaining({ code: 'invalid_tenant' }));
  });
});
