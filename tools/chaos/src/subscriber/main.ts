/**
 * A subscriber of run events that knows nothing of the services: it applies every event to a database of its own by way of the inbox.
 * Its environment is that of any service; it is ready when it consumes.
 */
import { createServer } from 'node:http';
import { connectPostgres, openDatabase } from '@millrace/database';
import { connectJetStream } from '@millrace/messaging';
import { applyOnce, subscriberMigrations, subscriberService } from './application.store.js';

const variable = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set.`);
  return value;
};

const backend = connectPostgres({
  connectionString: variable('MILLRACE_DATABASE_URL'),
  applicationName: subscriberService,
  maxConnections: 4,
});
const database = await openDatabase<unknown>({ backend, service: subscriberService, migrations: subscriberMigrations });
const bus = await connectJetStream({
  servers: variable('MILLRACE_NATS_URL'),
  user: variable('MILLRACE_NATS_USER'),
  pass: variable('MILLRACE_NATS_PASSWORD'),
  name: subscriberService,
});
await bus.consume(
  {
    durableName: subscriberService,
    subject: 'evt.*.run.*.v1',
    slots: 4,
    ackWaitMs: 3_000,
    // Whoever writes to a database that may be away must not give up on a message.
    maxDeliveries: 1_000,
  },
  async ({ envelope }) => {
    await applyOnce(database, envelope);
    await globalThis.millraceChaos.reach('subscriber.before-ack');
    return { kind: 'ack' };
  },
);
const answerReadiness = async (): Promise<boolean> => (await bus.health()).ready && (await database.health()).ready;
createServer((_request, response) => {
  void answerReadiness().then((ready) => response.writeHead(ready ? 200 : 503).end());
}).listen(Number(variable('MILLRACE_HEALTH_PORT')), '127.0.0.1');

process.once('SIGTERM', () => {
  void bus
    .drain({ graceMs: 2_000 })
    .then(() => database.close())
    .then(() => backend.close())
    .then(() => process.exit(0));
});
