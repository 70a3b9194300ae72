/** Each service as a process of its own over a real nats-server and a real Postgres with fsync. */
import { MillraceClient } from '@millrace/client';
import { createKey, envelopeOf } from '@millrace/contracts';
import { connectJetStream } from '@millrace/messaging';
import { newId } from '@millrace/kernel';
import { startNatsServer, startPostgres } from '@millrace/testing';
import { measureDiamond } from './diamond.js';
import type { DemoFigures } from './figures.js';
import { type MeasuredProcess, residentMiB, startProcess, untilReady } from './processes.js';

const services = ['research', 'llm-provider', 'evaluation', 'toolbox', 'orchestrator', 'gateway'] as const;
const withoutTables: ReadonlySet<string> = new Set(['toolbox']);

export async function measureNatsAndPostgres(report: (text: string) => void): Promise<DemoFigures['natsAndPostgres']> {
  report('NATS and Postgres: starting servers and services');
  await using nats = await startNatsServer();
  await using postgres = await startPostgres({ fsync: true, exclusive: true });
  const processes = new Map<string, MeasuredProcess>();
  try {
    const began = performance.now();
    for (const service of services) {
      const databaseUrl = withoutTables.has(service) ? '' : await postgres.createDatabase(service);
      processes.set(service, startProcess(service, [], environmentOf(nats.url, databaseUrl)));
    }
    const addresses = await Promise.all([...processes.values()].map(addressOf));
    await Promise.all(addresses.map(untilReady));
    const startMs = performance.now() - began;

    const client = new MillraceClient({ baseUrl: addresses.at(-1) ?? '', apiKey: await firstKey(nats.url) });
    report('NATS and Postgres: the diamond');
    const diamond = await measureDiamond(client);
    const memory = [...processes].map(async ([service, { pid }]) => [service, await residentMiB(pid)] as const);
    return { startMs, memoryMiB: Object.fromEntries(await Promise.all(memory)), diamond };
  } finally {
    await Promise.all([...processes.values()].map((process) => process.stop()));
  }
}

const environmentOf = (natsUrl: string, databaseUrl: string): Record<string, string> => ({
  MILLRACE_NATS_URL: natsUrl,
  MILLRACE_DATABASE_URL: databaseUrl,
  MILLRACE_HTTP_PORT: '0',
  MILLRACE_HEALTH_HOST: '127.0.0.1',
  MILLRACE_HEALTH_PORT: '0',
  MILLRACE_LOG_FORMAT: 'json',
});

/** The address of the gateway, or of a service's health. */
async function addressOf(process: MeasuredProcess): Promise<string> {
  return (await process.waitFor(/"(?:url|health)":"(http:[^"]+)"/))[1] ?? '';
}

async function firstKey(natsUrl: string): Promise<string> {
  const bus = await connectJetStream({ servers: natsUrl, name: 'bench' });
  try {
    const context = { tenantId: 'bench', correlationId: newId('cor'), causationId: null };
    const envelope = envelopeOf(createKey, context, { name: 'bench', role: 'admin', onlyFirst: false });
    const reply = createKey.response.parse(await bus.request({ subject: createKey.subject, envelope }));
    return reply.key?.secret ?? '';
  } finally {
    await bus.drain({ graceMs: 1_000 });
  }
}
