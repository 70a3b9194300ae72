/** What went wrong with NATS once and must not go wrong again; what both adapters share is in the conformance suite. */
import { rm } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually, startNatsServer, type NatsServer, startTcpProxy } from '@millrace/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Delivery, DeliveryOutcome } from '../bus.js';
import {
  ack,
  codeOf,
  consumer,
  firstOf,
  message,
  numbers,
  publishNumbers,
  Seen,
  token,
} from '../conformance/bus-world.js';
import type { BusProblem } from '../problem.js';
import { connectJetStream, type JetStreamBus, type JetStreamBusOptions } from './connect-jetstream.js';

/** A server, buses on it, and a connection past them; all ended together. */
async function openWorld(config?: string) {
  const server: NatsServer = await startNatsServer({ exclusive: true, config });
  const problems: BusProblem[] = [];
  const ends: (() => Promise<unknown>)[] = [() => server.stop()];
  const bus = async (options: Partial<JetStreamBusOptions> = {}): Promise<JetStreamBus> => {
    const onProblem = (problem: BusProblem): void => void problems.push(problem);
    const opened = await connectJetStream({
      servers: server.url,
      name: 'traps',
      watchIntervalMs: 200,
      onProblem,
      ...options,
    });
    ends.unshift(() => opened.drain({ graceMs: 0 }));
    return opened;
  };
  const manager = async () => {
    const raw = await connect({ servers: server.url });
    ends.unshift(() => raw.close());
    return jetstreamManager(raw);
  };
  const close = async (): Promise<void> => {
    for (const end of ends) await end();
  };
  return { server, problems, bus, manager, [Symbol.asyncDispose]: close };
}

describe('publishing over NATS', () => {
  it('stores a message once when its ack was lost and it was sent again with the same id', async () => {
    await using world = await openWorld();
    await using proxy = await startTcpProxy(world.server.port);
    const bus = await world.bus({ servers: `127.0.0.1:${proxy.port}`, publishTimeoutMs: 400 });
    const subject = `evt.acme.${token()}.v1`;
    const sent = message(subject, 'once');
    proxy.muteServer();
    expect(await codeOf(bus.publish(sent))).toMatch(/publish_timeout|bus_unavailable/);
    proxy.heal();
    const receipt = await eventually(() => bus.publish(sent));
    expect(receipt.duplicate).toBe(true);
    await bus.publish(message(subject, 'next'));
    expect((await firstOf(bus, subject, 2)).map((each) => each.envelope.data)).toEqual(['once', 'next']);
  });

  it('says so within its time while the server is away, and loses nothing that it confirmed over kill -9', async () => {
    await using world = await openWorld();
    const bus = await world.bus({ publishTimeoutMs: 300 });
    const subject = `evt.acme.${token()}.v1`;
    await publishNumbers(bus, subject, 200);
    await world.server.kill();
    await eventually(async () => !(await bus.health()).ready);
    expect((await bus.health()).problems).toEqual(['the connection to NATS is down']);
    expect(await codeOf(bus.publish(message(subject, 'too early')))).toBe('bus_unavailable');
    expect(await codeOf(bus.request(message('cmd.x.v1', 1), { timeoutMs: 200 }))).toBe('bus_unavailable');
    bus.notify(message('live.x.events', 'dropped'));
    const patient = await Promise.all([world.server.restart(), eventually(() => bus.publish(message(subject, 200)))]);
    expect(patient[1].duplicate).toBe(false);
    expect((await firstOf(bus, subject, 201)).map((each) => each.envelope.data)).toEqual(numbers(201));
    await eventually(async () => (await bus.health()).ready);
  });
});

describe('consuming over NATS', () => {
  it('loses nothing over kill -9 of the server; what was acked may come again', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const subject = `task.${token()}.v1`;
    const done = new Set<unknown>();
    await bus.consume({ ...consumer(subject), slots: 16, ackWaitMs: 1_000, maxDeliveries: 50 }, ({ envelope }) => {
      done.add(envelope.data);
      return Promise.resolve(ack);
    });
    await publishNumbers(bus, subject, 500);
    await eventually(() => done.size > 50);
    await world.server.kill();
    await world.server.restart();
    await eventually(() => publishNumbers(bus, subject, 100, 500).then(() => true));
    await eventually(() => done.size === 600, { timeoutMs: 30_000 });
  });

  it('gives the messages of a crashed replica to another one', async () => {
    await using world = await openWorld();
    await using proxy = await startTcpProxy(world.server.port);
    const doomed = await world.bus({ servers: `127.0.0.1:${proxy.port}` });
    const subject = `task.${token()}.v1`;
    const options = { ...consumer(subject), ackWaitMs: 500 };
    const held = new Seen();
    await doomed.consume(options, (delivery) => {
      held.deliveries.push(delivery);
      return new Promise<DeliveryOutcome>(() => undefined);
    });
    await publishNumbers(doomed, subject, 4);
    await held.count(4);
    proxy.sever();
    const heir = await world.bus();
    const seen = new Seen();
    await heir.consume(options, seen.acked);
    await seen.count(4);
    expect(seen.data.toSorted()).toEqual([0, 1, 2, 3]);
    expect(seen.deliveries.map((delivery) => delivery.deliveryCount)).toEqual([2, 2, 2, 2]);
  });

  it('does not bury what a crashed replica could not say a word about until its deliveries are used up', async () => {
    await using world = await openWorld();
    await using proxy = await startTcpProxy(world.server.port);
    const subject = `task.${token()}.v1`;
    const options = { ...consumer(subject), ackWaitMs: 300, maxDeliveries: 1 };
    const doomed = await world.bus({ servers: `127.0.0.1:${proxy.port}` });
    const held = new Seen();
    await doomed.consume(options, (delivery) => {
      held.deliveries.push(delivery);
      return new Promise<DeliveryOutcome>(() => undefined);
    });
    await doomed.publish(message(subject, 'deadly'));
    await held.count(1);
    proxy.sever();
    const heir = await world.bus();
    const seen = new Seen();
    await heir.consume(options, seen.acked);
    const [letter] = await firstOf(heir, `dlq.${subject}`, 1);
    expect(letter?.headers['Millrace-Dead-Letter-Code']).toBe('deliveries_exhausted');
    expect(seen.deliveries).toHaveLength(0);
  });

  it('declares a deleted consumer again, and goes on', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const manager = await world.manager();
    const subject = `task.${token()}.v1`;
    const seen = new Seen();
    const options = consumer(subject);
    await bus.consume(options, seen.acked);
    await bus.publish(message(subject, 0));
    await seen.count(1);
    // Server 2.9 may fail to remove the folder of a busy consumer, which by then is gone all the same.
    await manager.consumers.delete('TASKS', options.durableName).catch(() => undefined);
    await eventually(() => world.problems.some((problem) => problem.code === 'consumer_recreated'));
    await bus.publish(message(subject, 1));
    await seen.count(2);
    expect((await bus.health()).ready).toBe(true);
  });

  it('is not ready while a consumer cannot be declared, and recovers by itself', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const manager = await world.manager();
    const subject = `task.${token()}.v1`;
    const seen = new Seen();
    await bus.consume(consumer(subject), seen.acked);
    await manager.streams.delete('TASKS');
    // Somebody else claims the subjects: the stream cannot come back.
    await eventually(async () => {
      await manager.streams.delete('TASKS').catch(() => undefined);
      await manager.streams.add({ name: 'FOREIGN', subjects: ['task.>'] });
      return true;
    });
    await eventually(async () => (await bus.health()).problems.some((problem) => problem.includes('is gone')));
    expect((await bus.health()).ready).toBe(false);
    await manager.streams.delete('FOREIGN');
    await eventually(async () => (await bus.health()).ready);
    await bus.publish(message(subject, 'after'));
    await seen.count(1);
  });

  it('deletes no message of a wiped server by the ack of a delivery from before', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const [before, after] = [`task.${token()}.v1`, `task.${token()}.v1`];
    const held: { end: (outcome: DeliveryOutcome) => void }[] = [];
    const hold = (): Promise<DeliveryOutcome> => new Promise((end) => held.push({ end }));
    await bus.consume({ ...consumer(before), slots: 5, ackWaitMs: 60_000 }, hold);
    await publishNumbers(bus, before, 5);
    await eventually(() => held.length === 5);
    await world.server.wipe();
    await world.server.restart();
    // These take the positions that the held deliveries name.
    await eventually(() => bus.publish(message(after, 0)));
    for (const number of [1, 2, 3, 4]) await bus.publish(message(after, number));
    await eventually(() => world.problems.some(({ code }) => code === 'consumer_recreated'));
    for (const { end } of held) end(ack);
    const seen = new Seen();
    await bus.consume(consumer(after), seen.acked);
    await seen.count(5);
  });

  it('starts anew on a server whose store was wiped: streams, consumers and followers', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const [task, live] = [`task.${token()}.v1`, `live.${token()}.tokens`];
    const seen = new Seen();
    await bus.consume(consumer(task), seen.acked);
    const abort = new AbortController();
    const followed: unknown[] = [];
    const following = (async () => {
      for await (const each of bus.follow(live, { afterSequence: 0, signal: abort.signal }))
        followed.push(each.envelope.data);
    })();
    await publishNumbers(bus, live, 5);
    await eventually(() => followed.length === 5);
    await world.server.kill();
    await rm(world.server.storeDirectory, { recursive: true });
    await world.server.restart();
    await eventually(() => bus.publish(message(task, 'new')));
    await eventually(() => bus.publish(message(live, 'new')));
    await seen.count(1);
    await eventually(() => followed.includes('new'));
    abort.abort();
    await following;
  });

  it('takes a new ack wait from a later version, and refuses another subject under the same name', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const manager = await world.manager();
    const options = consumer(`task.${token()}.v1`);
    const running = await bus.consume(options, () => Promise.resolve(ack));
    await running.stop();
    await bus.consume({ ...options, ackWaitMs: 9_000 }, () => Promise.resolve(ack));
    expect((await manager.consumers.info('TASKS', options.durableName)).config.ack_wait).toBe(9_000_000_000);
    const other = { ...options, subject: `task.${token()}.v1` };
    expect(await codeOf(bus.consume(other, () => Promise.resolve(ack)))).toBe('consumer_conflict');
  });

  it('hands back what it took when it drains, so that another replica gets it at once', async () => {
    await using world = await openWorld();
    const [leaving, staying] = [await world.bus(), await world.bus()];
    const subject = `task.${token()}.v1`;
    const options = { ...consumer(subject), ackWaitMs: 60_000 };
    const held = new Seen();
    await leaving.consume(options, (delivery: Delivery) => {
      held.deliveries.push(delivery);
      return new Promise<DeliveryOutcome>(() => undefined);
    });
    await publishNumbers(leaving, subject, 3);
    await held.count(3);
    await leaving.drain({ graceMs: 50 });
    expect(held.deliveries.every((delivery) => delivery.signal.aborted)).toBe(true);
    const seen = new Seen();
    await staying.consume(options, seen.acked);
    await seen.count(3);
  });
});

describe('connecting to NATS', () => {
  it('declares the streams with many services at once, and takes changed limits', async () => {
    await using world = await openWorld();
    await Promise.all(numbers(12).map(() => world.bus()));
    await world.bus({ limits: { TASKS: { maxMessages: 77 } } });
    const manager = await world.manager();
    const { config } = await manager.streams.info('TASKS');
    expect(config).toMatchObject({ max_msgs: 77, discard: 'new', retention: 'workqueue', storage: 'file' });
  });

  it("does not take another stream's subjects, and says which are taken", async () => {
    await using world = await openWorld();
    const manager = await world.manager();
    await manager.streams.add({ name: 'FOREIGN', subjects: ['task.foreign.>'] });
    await expect(world.bus()).rejects.toMatchObject({
      code: 'stream_conflict',
      message: expect.stringMatching(/^TASKS \(task\.>\) cannot be declared: .*overlap/),
    });
  });

  it('says what is wrong, and no secret', async () => {
    await using world = await openWorld('authorization { user: worker, password: secret }');
    const denied = await world.bus({ user: 'worker', pass: 'canary' }).catch((error: unknown) => error);
    expect(denied).toMatchObject({ code: 'bus_unauthorized', retryable: false });
    expect(String(denied)).not.toContain('canary');
    const unreachable = world.bus({ servers: 'nats://worker:canary@127.0.0.1:1' });
    await expect(unreachable).rejects.toMatchObject({ code: 'bus_unavailable' });
    await expect(unreachable).rejects.not.toThrow(/canary/);
  });

  it('gets replies, deliveries and large payloads through an inbox of its own, and nobody else reads them', async () => {
    const user = (name: string): string =>
      `{ user: ${name}, password: x, permissions: { publish: ">", subscribe: ["_INBOX_${name}.>", "cmd.>"] } }`;
    await using world = await openWorld(`authorization { users: [${user('alpha')}, ${user('beta')}] }`);
    const alpha = await world.bus({ name: 'alpha', user: 'alpha', pass: 'x' });
    const beta = await world.bus({ name: 'beta', user: 'beta', pass: 'x' });
    const [task, command, live] = [`task.${token()}.v1`, `cmd.${token()}.v1`, `live.${token()}.tokens`];
    const large = 'x'.repeat(400_000);
    await beta.respond(command, { queue: 'q', maxInFlight: 1 }, ({ envelope }) => Promise.resolve(envelope.data));
    expect(await alpha.request(message(command, large))).toBe(large);
    const seen = new Seen();
    await beta.consume(consumer(task), seen.acked);
    await alpha.publish(message(task, large));
    await seen.count(1);
    await alpha.publish(message(live, 'token'));
    expect((await firstOf(beta, live, 1))[0]?.envelope.data).toBe('token');
    await beta.subscribe('_INBOX_alpha.>', () => undefined);
    await eventually(() => world.problems.some((problem) => problem.code === 'subscription_refused'));
  });

  it('ends although the server has stopped answering', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    await bus.consume(consumer(`task.${token()}.v1`), () => Promise.resolve(ack));
    await bus.respond(`cmd.${token()}.v1`, { queue: 'q', maxInFlight: 1 }, () => Promise.resolve(1));
    await world.server.kill('SIGSTOP');
    try {
      await bus.drain({ graceMs: 100 });
    } finally {
      await world.server.kill('SIGCONT').catch(() => undefined);
    }
  });

  it('comes back after far more attempts than the client makes by default', async () => {
    await using world = await openWorld();
    await using proxy = await startTcpProxy(world.server.port);
    const bus = await world.bus({ servers: `127.0.0.1:${proxy.port}`, reconnectWaitMs: 5 });
    proxy.sever();
    await eventually(() => proxy.refused > 30, { timeoutMs: 30_000 });
    expect((await bus.health()).ready).toBe(false);
    proxy.heal();
    const receipt = await eventually(() => bus.publish(message(`evt.acme.${token()}.v1`, 'back')));
    expect(receipt.duplicate).toBe(false);
    await eventually(async () => (await bus.health()).ready);
  });

  it('says when it has ended', async () => {
    await using world = await openWorld();
    const bus = await world.bus();
    const closed = bus.closed();
    await bus.drain({ graceMs: 0 });
    expect(await closed).toBeUndefined();
    expect(await codeOf(bus.publish(message('evt.acme.x.v1', 1)))).toBe('bus_closed');
  });
});
