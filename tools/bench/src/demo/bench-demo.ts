/** The figures of the main job on this machine. Nothing else should run meanwhile. */
import { MillraceClient } from '@millrace/client';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withTemporaryCluster } from '../cluster/temporary-cluster.js';
import { measureDiamond } from '../diamond.js';
import { usageOf } from '../process-usage.js';
import { startEmbedded } from './embedded-server.js';
import type { DemoFigures } from './figures.js';
import { pageOf } from './pages.js';

const pages = 1_000;
const uploadsAtOnce = 4;
const collection = 'pages';

/** Tells what it is doing to `report`; takes a minute or two. */
export async function benchDemo(report: (text: string) => void): Promise<DemoFigures> {
  const embedded = await measureEmbedded(report);
  const natsAndPostgres = await measureNatsAndPostgres(report);
  return { embedded, natsAndPostgres };
}

async function measureEmbedded(report: (text: string) => void): Promise<DemoFigures['embedded']> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  report('Embedded: starting');
  try {
    const began = performance.now();
    await using server = await startEmbedded(dataDirectory);
    const startMs = performance.now() - began;
    const memory = async (): Promise<number> => Math.round((await usageOf([server.pid])).memoryMiB);
    const startMiB = await memory();
    const client = new MillraceClient({ baseUrl: server.url, apiKey: server.apiKey });

    report(`Embedded: the diamond`);
    const diamond = await measureDiamond(client);
    report(`Embedded: ingesting ${pages} pages`);
    const ingest1000PagesMs = await timed(() => ingestPages(client));
    const afterIngestMiB = await memory();
    report('Embedded: one content run');
    const contentRunMs = await timed(() => contentRun(client));
    const afterAllMiB = await memory();
    return { startMs, startMiB, ingest1000PagesMs, afterIngestMiB, contentRunMs, diamond, afterAllMiB };
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

function measureNatsAndPostgres(report: (text: string) => void): Promise<DemoFigures['natsAndPostgres']> {
  report('NATS and Postgres: starting servers and services');
  return withTemporaryCluster({}, async ({ processes }, client, startMs) => {
    report('NATS and Postgres: the diamond');
    const diamond = await measureDiamond(client);
    const memory = processes.map(async ({ service, pid }) => {
      const { memoryMiB } = await usageOf([pid]);
      return [service, Math.round(memoryMiB)] as const;
    });
    return { startMs, memoryMiB: Object.fromEntries(await Promise.all(memory)), diamond };
  });
}

async function ingestPages(client: MillraceClient): Promise<void> {
  await client.createCollection({ name: collection });
  let next = 0;
  await Promise.all(
    Array.from({ length: uploadsAtOnce }, async () => {
      for (let number = next++; number < pages; number = next++)
        await client.uploadDocuments(collection, [pageOf(number)]);
    }),
  );
}

/** Words that stand on some of the pages, so that there is evidence. */
async function contentRun(client: MillraceClient): Promise<void> {
  const input = { topic: 'word1z word20 word3a', collection };
  const run = await client.startRun({ graph: 'content', input }, { waitSeconds: 60 });
  if (run.status !== 'completed')
    throw new Error(`The content run ended as ${run.status}: ${run.error?.message ?? ''}`);
}

async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
