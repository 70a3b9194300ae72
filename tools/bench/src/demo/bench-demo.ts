/** The figures of the main job on this machine. Nothing else should run meanwhile. */
import { MillraceClient } from '@millrace/client';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureDiamond } from './diamond.js';
import type { DemoFigures } from './figures.js';
import { measureNatsAndPostgres } from './nats-and-postgres.js';
import { pageOf } from './pages.js';
import { residentMiB, startProcess, untilReady } from './processes.js';

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
  const began = performance.now();
  const server = startProcess('millrace', ['start', '--port', '0', '--data', dataDirectory], {
    MILLRACE_LOG_LEVEL: 'error',
  });
  try {
    const baseUrl = (await server.waitFor(/listens on (\S+?),/))[1] ?? '';
    const apiKey = (await server.waitFor(/API key[^:]*: (\S+)/))[1] ?? '';
    await untilReady(baseUrl);
    const startMs = performance.now() - began;
    const startMiB = await residentMiB(server.pid);
    const client = new MillraceClient({ baseUrl, apiKey });

    report(`Embedded: the diamond`);
    const diamond = await measureDiamond(client);
    report(`Embedded: ingesting ${pages} pages`);
    const ingest1000PagesMs = await timed(() => ingestPages(client));
    const afterIngestMiB = await residentMiB(server.pid);
    report('Embedded: one content run');
    const contentRunMs = await timed(() => contentRun(client));
    const afterAllMiB = await residentMiB(server.pid);
    return { startMs, startMiB, ingest1000PagesMs, afterIngestMiB, contentRunMs, diamond, afterAllMiB };
  } finally {
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }
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
