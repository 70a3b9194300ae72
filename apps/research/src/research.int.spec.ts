import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { documentIngestedEvent, type Citation, type Envelope, type Passage } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { createInProcessBus } from '@millrace/messaging';
import type { CommandMessage } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { backendKinds, eventually, testDatabase, type TestDatabase } from '@millrace/testing';
import { sql } from 'kysely';
import { ResolveCitationsHandler } from './citation/resolve-citations.handler.js';
import { CreateCollectionHandler } from './collection/create-collection.handler.js';
import { ListCollectionsHandler } from './collection/list-collections.handler.js';
import { ListDocumentsHandler } from './collection/list-documents.handler.js';
import { DocumentEvents } from './ingest/document-events.js';
import { DocumentPreparation } from './ingest/document-preparation.js';
import { IngestDocumentHandler } from './ingest/ingest-document.handler.js';
import { migrations } from './schema/migrations.js';
import type { ResearchTables } from './schema/tables.js';
import { SearchCollectionHandler } from './search/search-collection.handler.js';

jest.setTimeout(60_000);

const from = (tenantId: string): CommandMessage => {
  const context = { tenantId, correlationId: 'cor_1', causationId: null };
  const envelope = {
    id: newId('msg'),
    type: 'test',
    version: 1,
    occurredAt: new Date().toISOString(),
    data: {},
    ...context,
  };
  return { subject: 'test', envelope, headers: {}, tenantId, correlationId: 'cor_1', context };
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const queues = '# Queues\n\nA queue holds messages until a consumer acknowledges them. 🙂 Redelivery follows a crash.';
const gardens = '# Gardens\n\nTomatoes grow in the sun, and slugs eat lettuce at night.';

describe.each(backendKinds)('research on %s', (backend) => {
  const preparation = new DocumentPreparation({ threads: 1, timeoutMs: 60_000, heapMb: 512 });
  const bus = createInProcessBus();
  const published: Envelope[] = [];
  let events: DocumentEvents;
  let test: TestDatabase<ResearchTables>;
  let create: CreateCollectionHandler;
  let ingest: IngestDocumentHandler;
  let search: SearchCollectionHandler;
  let citations: ResolveCitationsHandler;

  beforeAll(async () => {
    test = await testDatabase<ResearchTables>({ backend, service: 'research', migrations });
    create = new CreateCollectionHandler(test.database);
    events = new DocumentEvents(test.database, bus, createLogger({ levels: parseLogLevels('fatal') }));
    events.onApplicationBootstrap();
    await bus.subscribe('evt.>', ({ envelope }) => published.push(envelope));
    ingest = new IngestDocumentHandler(test.database, preparation, events);
    search = new SearchCollectionHandler(test.database);
    citations = new ResolveCitationsHandler(test.database);
  });
  afterAll(async () => {
    await events.beforeApplicationShutdown();
    await preparation.onApplicationShutdown();
    await bus.drain({ graceMs: 1_000 });
    await test.close();
  });

  const collectionOf = async (tenantId: string, documents: Record<string, string>): Promise<string> => {
    const name = newId('c').slice(0, 40);
    await create.handle({ name, description: '' }, from(tenantId));
    for (const [source, text] of Object.entries(documents)) await put(tenantId, name, source, text);
    return name;
  };
  const put = (tenantId: string, collection: string, source: string, text: string) =>
    ingest.handle({ collection, source, content: base64(text) }, from(tenantId));
  const find = (tenantId: string, collection: string, query: string, limit = 10) =>
    search.handle({ collection, query, limit }, from(tenantId));
  const citationOf = (passage: Passage, quote: string): Citation => {
    const start = passage.start + passage.text.indexOf(quote);
    const { documentId, snapshotSha256, source } = passage;
    return { marker: 1, documentId, snapshotSha256, source, quote, start, end: start + quote.length };
  };
  const resolve = async (tenantId: string, citation: Citation) =>
    (await citations.handle({ citations: [citation] }, from(tenantId))).resolutions[0];
  const statistics = async (tenantId: string, name: string) =>
    test.database.forTenant(tenantId, async (transaction) => {
      const collection = await transaction
        .selectFrom('collection')
        .selectAll()
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      const { rows } = await sql<{ chunks: number; terms: number; postings: number }>`
        select (select count(*) from chunk join document on document.number = chunk.document_number
            where document.collection = ${name}) as chunks,
          coalesce(sum(frequency), 0)::bigint as terms, count(*) as postings
        from posting where collection_number = ${collection.number}`.execute(transaction);
      return { told: { chunks: collection.chunks, terms: collection.terms }, counted: rows[0] };
    });

  it('makes a collection once', async () => {
    const request = { name: 'guides', description: 'What we know' };
    const first = await create.handle(request, from('acme'));
    const second = await create.handle({ name: 'guides', description: 'Other' }, from('acme'));
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.collection).toEqual(first.collection);
    expect(first.collection).toMatchObject({ name: 'guides', description: 'What we know', documents: 0, chunks: 0 });
  });

  it('finds a passage that is exactly a slice of its snapshot', async () => {
    const collection = await collectionOf('acme', { 'queues.md': queues, 'gardens.md': gardens });
    const { passages, coverage } = await find('acme', collection, 'What happens to messages after a crash?');
    expect(passages[0]).toMatchObject({ source: 'queues.md', title: 'Queues', headings: ['Queues'] });
    expect(coverage).toBeGreaterThan(0.5);
    const passage = passages[0];
    if (passage === undefined) throw new Error('nothing found');
    expect(queues.slice(passage.start, passage.end)).toBe(passage.text);
    expect(await resolve('acme', citationOf(passage, '🙂 Redelivery'))).toEqual({ marker: 1, resolved: true });
  });

  it('changes nothing when the same document comes again', async () => {
    const collection = await collectionOf('acme', { 'queues.md': queues });
    const before = await statistics('acme', collection);
    expect((await put('acme', collection, 'queues.md', queues)).outcome).toBe('unchanged');
    expect((await put('acme', collection, 'queues.md', queues.replaceAll('\n', '\r\n'))).outcome).toBe('unchanged');
    expect(await statistics('acme', collection)).toEqual(before);
  });

  it('replaces a document, keeps its identity, and old citations stay true', async () => {
    const collection = await collectionOf('acme', { 'a.md': queues });
    const old = (await find('acme', collection, 'redelivery')).passages[0];
    if (old === undefined) throw new Error('nothing found');
    const { outcome, document } = await put('acme', collection, 'a.md', gardens);
    expect({ outcome, id: document.id, title: document.title }).toEqual({
      outcome: 'replaced',
      id: old.documentId,
      title: 'Gardens',
    });
    expect((await find('acme', collection, 'redelivery')).passages).toEqual([]);
    expect((await find('acme', collection, 'slugs')).passages).toHaveLength(1);
    expect(await resolve('acme', citationOf(old, 'acknowledges'))).toMatchObject({ resolved: true });
    expect(await resolve('acme', citationOf({ ...old, snapshotSha256: '0'.repeat(64) }, 'acknowledges'))).toMatchObject(
      {
        resolved: false,
      },
    );
    const { told, counted } = await statistics('acme', collection);
    expect(counted).toMatchObject(told);
  });

  it('keeps its statistics right when many ingest at once', async () => {
    const collection = await collectionOf('acme', {});
    const versions = [queues, gardens, `${queues}\n\n${gardens}`];
    const sources = ['a.md', 'b.md', 'c.md'];
    await Promise.all(versions.flatMap((text) => sources.map((source) => put('acme', collection, source, text))));
    const { told, counted } = await statistics('acme', collection);
    expect(counted).toMatchObject(told);
    const { items } = await new ListDocumentsHandler(test.database).handle({ collection, limit: 10 }, from('acme'));
    expect(items.map(({ source }) => source)).toEqual(sources);
  });

  it('says once that a document came or changed, and nothing when it did not', async () => {
    const collection = await collectionOf('acme', { 'a.md': queues });
    await put('acme', collection, 'a.md', queues);
    await expect(put('acme', collection, 'b.md', ' ')).rejects.toMatchObject({ code: 'empty_document' });
    const { document } = await put('acme', collection, 'a.md', gardens);
    const told = () =>
      published.map(({ data }) => data as { collection: string }).filter((data) => data.collection === collection);
    await eventually(() => told().length >= 2, { describe: 'both events are published' });
    expect(told()).toHaveLength(2);
    expect(documentIngestedEvent.data.parse(told()[1])).toEqual({
      documentId: document.id,
      collection,
      source: 'a.md',
      snapshotSha256: document.snapshotSha256,
    });
  });

  it('shows one of two copies, and fills the place', async () => {
    const collection = await collectionOf('acme', {
      'a.md': queues,
      'copy.md': queues,
      'c.md': '# Notes\n\nOne queue.',
    });
    const { passages } = await find('acme', collection, 'queue', 2);
    expect(passages.map(({ source }) => source)).toHaveLength(2);
    expect(new Set(passages.map(({ text }) => text)).size).toBe(2);
  });

  it('keeps tenants apart', async () => {
    const collection = await collectionOf('acme', { 'queues.md': queues });
    await create.handle({ name: collection, description: '' }, from('rival'));
    const passage = (await find('acme', collection, 'queue')).passages[0];
    if (passage === undefined) throw new Error('nothing found');
    expect((await find('rival', collection, 'queue')).passages).toEqual([]);
    expect((await find('rival', collection, 'queue')).coverage).toBe(0);
    expect(await resolve('rival', citationOf(passage, 'queue'))).toMatchObject({ resolved: false });
    expect((await put('rival', collection, 'queues.md', queues)).outcome).toBe('created');
    expect((await find('acme', collection, 'queue')).passages).toHaveLength(1);
    await expect(find('stranger', collection, 'queue')).rejects.toMatchObject({ code: 'collection_not_found' });
    for (const table of ['collection', 'document', 'snapshot', 'document_snapshot', 'chunk', 'posting'] as const) {
      const owners = await test.database.forTenant('rival', (transaction) =>
        transaction.selectFrom(table).select('tenant_id').distinct().execute(),
      );
      expect(owners).toEqual([{ tenant_id: 'rival' }]);
    }
  });

  it('gives pages in order', async () => {
    const tenant = 'pages';
    for (const name of ['b', 'a-1', 'c', 'a']) await create.handle({ name, description: '' }, from(tenant));
    const list = new ListCollectionsHandler(test.database);
    const first = await list.handle({ limit: 3 }, from(tenant));
    expect(first.items.map(({ name }) => name)).toEqual(['a', 'a-1', 'b']);
    const second = await list.handle({ limit: 3, cursor: first.cursor ?? '' }, from(tenant));
    expect(second).toMatchObject({ items: [{ name: 'c' }], cursor: null });
    await expect(list.handle({ limit: 3, cursor: '!' }, from(tenant))).rejects.toMatchObject({
      code: 'invalid_cursor',
    });
  });

  it('refuses what it cannot use, and stores nothing of it', async () => {
    const collection = await collectionOf('acme', { 'good.md': queues });
    const tooLarge = { collection, source: 'huge.txt', content: 'A'.repeat(140_000_000) };
    await expect(ingest.handle(tooLarge, from('acme'))).rejects.toMatchObject({ code: 'document_too_large' });
    await expect(put('acme', collection, 'program.md', '\u0001\0')).rejects.toMatchObject({
      code: 'unsupported_content',
    });
    await expect(put('acme', 'nowhere', 'a.md', queues)).rejects.toMatchObject({ code: 'collection_not_found' });
    const { items } = await new ListDocumentsHandler(test.database).handle({ collection, limit: 10 }, from('acme'));
    expect(items.map(({ source }) => source)).toEqual(['good.md']);
  });

  it('answers any query without harm', async () => {
    const collection = await collectionOf('acme', { 'queues.md': queues });
    for (const query of [
      "'; drop table posting; --",
      '%_\\',
      '🙂',
      '\u202e',
      'the of',
      '消息',
      'queue '.repeat(300),
      'constructor __proto__',
    ]) {
      const { passages, coverage } = await find('acme', collection, query);
      expect(passages.length).toBeLessThanOrEqual(1);
      expect(coverage).toBeGreaterThanOrEqual(0);
    }
  });
});
