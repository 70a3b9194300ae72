/** Gateways in processes of their own, killed while they deliver. */
import { expect, it } from '@jest/globals';
import { connectPostgres } from '@millrace/database';
import { connectJetStream } from '@millrace/messaging';
import {
  eventually,
  startNatsServer,
  startPostgres,
  startScript,
  withClient,
  type ScriptProcess,
} from '@millrace/testing';
import { TestGateway } from '../gateway.fixture.js';
import { announceRun, answersStatus, createWebhook, deliveriesOf, Endpoint, secretKeys } from './webhooks.fixture.js';

it('lose no event and leave none half delivered, whoever is killed when', async () => {
  await using nats = await startNatsServer({ exclusive: true });
  await using postgres = await startPostgres();
  await withClient(postgres.url, (client) => client.query('create database hooks'));
  const databaseUrl = new URL('/hooks', postgres.url).href;
  await using endpoint = await Endpoint.listen();
  const environment = {
    MILLRACE_GATEWAY_SECRET_KEYS: secretKeys,
    MILLRACE_WEBHOOK_ALLOW: endpoint.host,
    MILLRACE_WEBHOOK_LEASE_MS: '1000',
    MILLRACE_WEBHOOK_TIMEOUT_MS: '1000',
    MILLRACE_WEBHOOK_RETRY_MS: '100',
  };
  const startReplica = (): ScriptProcess =>
    startScript(`await import('./apps/gateway/src/main.ts');`, {
      environment: {
        ...environment,
        MILLRACE_DATABASE_URL: databaseUrl,
        MILLRACE_NATS_URL: nats.url,
        MILLRACE_HTTP_PORT: '0',
        MILLRACE_HEALTH_PORT: '0',
      },
    });
  await using bus = await connectedBus(nats.url);
  await using backend = connectPostgres({ connectionString: databaseUrl });
  // Makes the webhook and reads what became of it, and is not there in between.
  const first = await TestGateway.start({ bus: bus.bus, backend, environment });
  const { id } = await createWebhook(first, endpoint.url);
  await first.service.drain({ graceMs: 1_000 });

  // Takes what it is given and never answers: whoever delivers is killed in the middle of it.
  endpoint.answer = () => undefined;
  const runs: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    await using replica = startReplica();
    const before = endpoint.received.length;
    for (let made = 0; made < 10; made += 1) runs.push(await announceRun(bus.bus));
    await eventually(() => endpoint.received.length > before, { timeoutMs: 60_000 });
    await replica.kill();
  }
  endpoint.answer = answersStatus(204);
  await using last = startReplica();
  await using other = startReplica();
  const delivered = () => new Set(endpoint.received.map(({ event }) => event.subject));
  await eventually(() => delivered().size === runs.length, { timeoutMs: 60_000 });
  await last.kill();
  await other.kill();

  await using reading = await TestGateway.start({ bus: bus.bus, backend, environment });
  const deliveries = await eventually(
    async () => {
      const found = await deliveriesOf(reading, id, '?state=delivered&limit=200');
      return found.length === runs.length && found;
    },
    { timeoutMs: 30_000 },
  );
  expect([...delivered()].sort()).toEqual(runs.sort());
  // However often it was sent, an event is one message.
  expect(new Set(endpoint.received.map((received) => received.id))).toEqual(new Set(deliveries.map((each) => each.id)));
}, 180_000);

async function connectedBus(servers: string) {
  const bus = await connectJetStream({ servers, name: 'gateway' });
  return { bus, [Symbol.asyncDispose]: () => bus.drain({ graceMs: 0 }) };
}
