import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  backendKinds,
  deferred,
  eventually,
  startNatsServer,
  testDatabase,
  type NatsServer,
  type TestDatabase,
} from '@millrace/testing';
import { openDatabase, type Database } from '@millrace/database';
import { sql } from 'kysely';
import type { MessageBus, OutgoingMessage } from '../bus.js';
import { codeOf, firstOf, message, numbers, token } from '../conformance/bus-world.js';
import { createInProcessBus } from '../in-process/create-in-process-bus.js';
import { connectJetStream } from '../jetstream/connect-jetstream.js';
import type { BusProblem } from '../problem.js';
import { outboxMigration } from './outbox.migration.js';
import { OutboxRelay } from './outbox-relay.js';
import { writeOutbox } from './write-outbox.js';

type Tables = Record<string, never>;
const service = 'outbox-user';
const migrations = { '0001_outbox': outboxMigration };

describe.each(backendKinds)('the outbox on %s', (backend) => {
  let test: TestDatabase<Tables>;
  let database: Database<Tables>;
  let bus: MessageBus;
  let relays: OutboxRelay<Tables>[] = [];
  const problems: BusProblem[] = [];

  beforeAll(async () => {
    test = await testDatabase<Tables>({ backend, service, migrations });
    database = test.database;
  });
  afterAll(() => test.close());
  beforeEach(() => {
    bus = createInProcessBus();
    problems.length = 0;
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
    await bus.drain({ graceMs: 0 });
    await database.asService((transaction) => sql`delete from outbox_message`.execute(transaction));
  });

  const write = (messages: readonly OutgoingMessage[], availableAt?: Date): Promise<void> =>
    database.forTenant('acme', (transaction) => writeOutbox(transaction, messages, { availableAt }));
  const relay = (through: Pick<MessageBus, 'publish'> = bus, on = database): OutboxRelay<Tables> => {
    const onProblem = (problem: BusProblem): void => void problems.push(problem);
    const started = new OutboxRelay({ database: on, bus: through, onProblem, pollIntervalMs: 50, batchSize: 10 });
    started.start();
    relays.push(started);
    return started;
  };
  const waiting = async (): Promise<
    { id: string; attempts: number; failure: { code: string } | null; parked: boolean }[]
  > => {
    const { rows } = await database.asService((transaction) =>
      sql<{ id: string; attempts: number; failure: { code: string } | null; parked: boolean }>`
        select id, attempts, failure, available_at = 'infinity' as parked from outbox_message order by position`.execute(
        transaction,
      ),
    );
    return rows;
  };
  const stored = async (subject: string, count: number): Promise<unknown[]> =>
    (await firstOf(bus, subject, count)).map((each) => each.envelope.data);

  it('publishes what was committed, in order, exactly as it was written, and forgets it', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const odd = { zeta: 1, alpha: [1.5, null], text: 'ü \u0000 \u{1f600} "quoted"', nested: { deep: [{}] } };
    const messages = [...numbers(25).map((number) => message(subject, number)), message(subject, odd)];
    const first = messages[0]!;
    await write([{ ...first, headers: { traceparent: 'abc' } }, ...messages.slice(1)]);
    relay();
    const published = await firstOf(bus, subject, 26);
    expect(published.map((each) => each.envelope)).toEqual(messages.map((each) => each.envelope));
    expect(published[0]?.headers).toEqual({ traceparent: 'abc' });
    await eventually(async () => (await waiting()).length === 0);
  });

  it('publishes nothing of a transaction that did not commit', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const failed = database.forTenant('acme', async (transaction) => {
      await writeOutbox(transaction, [message(subject, 'ghost')]);
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    await write([message(subject, 'real')]);
    relay();
    expect(await stored(subject, 1)).toEqual(['real']);
    await eventually(async () => (await waiting()).length === 0);
  });

  it('is woken by its writer', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const patient = new OutboxRelay({ database, bus, pollIntervalMs: 3_600_000 });
    relays.push(patient);
    patient.start();
    await write([message(subject, 1)]);
    patient.wake();
    expect(await stored(subject, 1)).toEqual([1]);
  });

  it('holds what is not due, by the clock of the database', async () => {
    const subject = `evt.acme.${token()}.v1`;
    await write([message(subject, 'far away')], new Date(Date.now() + 3_600_000));
    await write([message(subject, 'soon')], new Date(Date.now() + 300));
    await write([message(subject, 'now')]);
    relay();
    expect(await stored(subject, 2)).toEqual(['now', 'soon']);
    await eventually(async () => (await waiting()).length === 1);
  });

  it('writes an id once while it waits, and refuses what the bus would refuse before writing anything', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const same = message(subject, 1, `id-${token()}`);
    await write([same]);
    await write([same]);
    expect(await waiting()).toHaveLength(1);
    expect(await codeOf(write([message(subject, 2), message('cmd.x.v1', 3)]))).toBe('not_a_stored_subject');
    expect(await codeOf(write([message('evt.*', 3)]))).toBe('invalid_subject');
    expect(await codeOf(write([{ ...message(subject, 3), headers: { 'nats-x': '1' } }]))).toBe('invalid_headers');
    expect(await waiting()).toHaveLength(1);
    await write([]);
  });

  it("refuses another tenant's message, and shows no tenant what waits", async () => {
    const foreign = message(`evt.acme.${token()}.v1`, 1);
    const written = database.forTenant('globex', (transaction) => writeOutbox(transaction, [foreign]));
    await expect(written).rejects.toThrow();
    const read = database.forTenant('acme', (transaction) => sql`select * from outbox_message`.execute(transaction));
    await expect(read).rejects.toThrow();
  });

  it('publishes again after a crash between publishing and forgetting, and it is stored once', async () => {
    const subject = `evt.acme.${token()}.v1`;
    await write(numbers(5).map((number) => message(subject, number)));
    let crashes = 2;
    const crashing: Pick<Database<Tables>, 'asService'> = {
      asService: (work, options) =>
        database.asService(async (transaction) => {
          const result = await work(transaction);
          if ((crashes -= 1) >= 0) throw new Error('the process died before the commit');
          return result;
        }, options),
    };
    const doomed = new OutboxRelay({
      database: crashing,
      bus,
      pollIntervalMs: 20,
      onProblem: (problem) => problems.push(problem),
    });
    relays.push(doomed);
    doomed.start();
    await eventually(async () => (await waiting()).length === 0);
    expect(problems.filter((problem) => problem.code === 'outbox_failed')).toHaveLength(2);
    await bus.publish(message(subject, 'end'));
    expect(await stored(subject, 6)).toEqual([0, 1, 2, 3, 4, 'end']);
  });

  it('parks a row that can never be published, with its reason, and goes on with its neighbours', async () => {
    const subject = `evt.acme.${token()}.v1`;
    await write([message(subject, 'before')]);
    await database.asService((transaction) =>
      sql`insert into outbox_message (tenant_id, id, subject, envelope)
        values ('acme', 'poison', ${subject}, '{"id": "poison"}')`.execute(transaction),
    );
    await write([message(subject, 'after')]);
    relay();
    expect(await stored(subject, 2)).toEqual(['before', 'after']);
    const [row] = await eventually(async () => {
      const rows = await waiting();
      return rows.length === 1 && rows;
    });
    expect(row).toMatchObject({ id: 'poison', attempts: 1, failure: { code: 'invalid_message' }, parked: true });
    expect(problems.map((problem) => problem.code)).toContain('outbox_message_parked');
  });

  it('lets a full stream wait without holding up the others', async () => {
    const narrow = createInProcessBus({ limits: { TASKS: { maxMessages: 1 } } });
    const [task, event] = [`task.${token()}.v1`, `evt.acme.${token()}.v1`];
    await write([...numbers(20).map((number) => message(task, number)), message(event, 'through')]);
    relay(narrow);
    expect((await firstOf(narrow, event, 1))[0]?.envelope.data).toBe('through');
    await eventually(async () => {
      const rows = await waiting();
      return rows.length === 19 && rows.every((row) => row.failure?.code === 'stream_full' && !row.parked);
    });
    await narrow.drain({ graceMs: 0 });
  });

  it('finishes the batch in hand when it stops', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const gate = deferred();
    let entered = false;
    const slow: Pick<MessageBus, 'publish'> = {
      publish: async (outgoing) => {
        entered = true;
        await gate.promise;
        return bus.publish(outgoing);
      },
    };
    await write([message(subject, 1)]);
    const stopped = relay(slow);
    await eventually(() => entered);
    const stopping = stopped.stop();
    gate.resolve();
    await stopping;
    expect(await waiting()).toEqual([]);
  });

  it('shares the work between relays, and sends each message once', async () => {
    const subject = `evt.acme.${token()}.v1`;
    const other = await openDatabase<Tables>({ backend: test.backend, service, migrations });
    let publishes = 0;
    const counting: Pick<MessageBus, 'publish'> = {
      publish: (outgoing) => {
        publishes += 1;
        return bus.publish(outgoing);
      },
    };
    await write(numbers(200).map((number) => message(subject, number)));
    relay(counting);
    relay(counting, other);
    expect((await stored(subject, 200)).toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(200));
    await eventually(async () => (await waiting()).length === 0);
    await Promise.all(relays.map((each) => each.stop()));
    await other.close();
    expect(publishes).toBe(200);
  });
});

describe('the outbox over NATS', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer({ exclusive: true });
  });
  afterAll(() => server.stop());

  it('waits while the server is away, blames no row, and publishes everything afterwards', async () => {
    await using test = await testDatabase<Tables>({ backend: 'postgres', service, migrations });
    const bus = await connectJetStream({ servers: server.url, name: 'outbox', publishTimeoutMs: 300 });
    const subject = `evt.acme.${token()}.v1`;
    const problems: BusProblem[] = [];
    const relay = new OutboxRelay({
      database: test.database,
      bus,
      pollIntervalMs: 50,
      onProblem: (problem) => problems.push(problem),
    });
    await server.kill();
    await eventually(async () => !(await bus.health()).ready);
    const messages = numbers(50).map((number) => message(subject, number));
    await test.database.forTenant('acme', (transaction) => writeOutbox(transaction, messages));
    relay.start();
    await eventually(() => problems.some((problem) => problem.code === 'outbox_waits'));
    await server.restart();
    expect((await firstOf(bus, subject, 50)).map((each) => each.envelope.data)).toEqual(numbers(50));
    await relay.stop();
    await bus.drain({ graceMs: 0 });
  });
});
