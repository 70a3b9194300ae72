import type { Document } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { sql, type Selectable, type Transaction } from 'kysely';
import { documentOf } from '../collection/collection.store.js';
import type { ResearchTables } from '../schema/tables.js';
import type { PreparedDocument } from './prepare-document.js';

/** Raise it when extraction, chunking or terms change, so that the same document is indexed anew. */
const indexVersion = 1;
/** How many postings one statement writes: large enough to be fast, small enough for any statement timeout. */
const postingsPerStatement = 20_000;

type DocumentRow = Selectable<ResearchTables['document']>;
type Store = Transaction<ResearchTables>;

/** A prepared document together with where it belongs. */
export interface NewDocument {
  readonly tenantId: string;
  readonly collection: string;
  readonly source: string;
  readonly contentSha256: string;
  readonly snapshotSha256: string;
  readonly prepared: PreparedDocument;
}

export interface StoredDocument {
  readonly document: Document;
  readonly outcome: 'created' | 'replaced' | 'unchanged';
}

export async function findDocument(
  transaction: Store,
  collection: string,
  source: string,
): Promise<DocumentRow | undefined> {
  return transaction
    .selectFrom('document')
    .selectAll()
    .where('collection', '=', collection)
    .where('source', '=', source)
    .executeTakeFirst();
}

/**
 * Stores a document with its snapshot and its index, or replaces the index of the one from the same source. The statistics
 * of the collection change in the same transaction, last, because that row is what all ingestion of a collection shares.
 */
export async function storeDocument(transaction: Store, document: NewDocument): Promise<StoredDocument> {
  await insertSnapshot(transaction, document);
  const inserted = await insertDocument(transaction, document);
  if (inserted !== undefined) {
    await indexDocument(transaction, document, inserted, { documents: 1, chunks: 0, terms: 0 });
    return { document: documentOf(inserted), outcome: 'created' };
  }
  const previous = await lockDocument(transaction, document);
  if (isCurrent(previous, document)) return { document: documentOf(previous), outcome: 'unchanged' };
  const replaced = await updateDocument(transaction, document, previous.id);
  await deleteIndex(transaction, previous.number);
  await indexDocument(transaction, document, replaced, {
    documents: 0,
    chunks: -previous.chunks,
    terms: -previous.terms,
  });
  return { document: documentOf(replaced), outcome: 'replaced' };
}

export const isCurrent = (
  stored: DocumentRow,
  given: Pick<NewDocument, 'contentSha256'> & Partial<NewDocument>,
): boolean =>
  stored.index_version === indexVersion &&
  (stored.content_sha256 === given.contentSha256 || stored.snapshot_sha256 === given.snapshotSha256);

async function insertSnapshot(transaction: Store, { tenantId, snapshotSha256, prepared }: NewDocument): Promise<void> {
  await transaction
    .insertInto('snapshot')
    .values({ tenant_id: tenantId, sha256: snapshotSha256, text: prepared.text })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'sha256']).doNothing())
    .execute();
}

async function insertDocument(transaction: Store, document: NewDocument): Promise<DocumentRow | undefined> {
  const { tenantId, collection, source } = document;
  return transaction
    .insertInto('document')
    .values({ tenant_id: tenantId, id: newId('doc'), collection, source, ...contentOf(document) })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'collection', 'source']).doNothing())
    .returningAll()
    .executeTakeFirst();
}

async function lockDocument(transaction: Store, { collection, source }: NewDocument): Promise<DocumentRow> {
  return transaction
    .selectFrom('document')
    .selectAll()
    .where('collection', '=', collection)
    .where('source', '=', source)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

async function updateDocument(transaction: Store, document: NewDocument, id: string): Promise<DocumentRow> {
  return transaction
    .updateTable('document')
    .set(contentOf(document))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

function contentOf({ contentSha256, snapshotSha256, prepared }: NewDocument) {
  return {
    title: prepared.title,
    media_type: prepared.mediaType,
    content_sha256: contentSha256,
    snapshot_sha256: snapshotSha256,
    index_version: indexVersion,
    characters: prepared.text.length,
    chunks: prepared.chunks.length,
    terms: prepared.chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  };
}

async function deleteIndex(transaction: Store, documentNumber: number): Promise<void> {
  await transaction.deleteFrom('posting').where('document_number', '=', documentNumber).execute();
  await transaction.deleteFrom('chunk').where('document_number', '=', documentNumber).execute();
}

/** @param replaced what the collection's statistics change by beside the new chunks. */
async function indexDocument(
  transaction: Store,
  document: NewDocument,
  stored: DocumentRow,
  replaced: { documents: number; chunks: number; terms: number },
): Promise<void> {
  const { tenantId, collection } = document;
  await linkSnapshot(transaction, tenantId, stored);
  await insertChunks(transaction, document, stored.number);
  await insertPostings(transaction, document, stored.number);
  await transaction
    .updateTable('collection')
    .set((row) => ({
      documents: row('documents', '+', replaced.documents),
      chunks: row('chunks', '+', stored.chunks + replaced.chunks),
      terms: row('terms', '+', stored.terms + replaced.terms),
    }))
    .where('name', '=', collection)
    .execute();
}

async function linkSnapshot(transaction: Store, tenantId: string, stored: DocumentRow): Promise<void> {
  await transaction
    .insertInto('document_snapshot')
    .values({ tenant_id: tenantId, document_id: stored.id, sha256: stored.snapshot_sha256 })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'document_id', 'sha256']).doNothing())
    .execute();
}

async function insertChunks(transaction: Store, { tenantId, prepared }: NewDocument, number: number): Promise<void> {
  const { chunks, text } = prepared;
  await sql`
    insert into chunk (tenant_id, document_number, ordinal, start_offset, end_offset, headings, text)
    select ${tenantId}, ${number}::bigint, ordinal - 1, start_offset, end_offset,
      array(select jsonb_array_elements_text(headings)), chunk_text
    from unnest(
      ${chunks.map(({ start }) => start)}::integer[],
      ${chunks.map(({ end }) => end)}::integer[],
      ${chunks.map(({ headings }) => JSON.stringify(headings))}::jsonb[],
      ${chunks.map(({ start, end }) => text.slice(start, end))}::text[]
    ) with ordinality as chunk (start_offset, end_offset, headings, chunk_text, ordinal)`.execute(transaction);
}

async function insertPostings(
  transaction: Store,
  { tenantId, collection, prepared }: NewDocument,
  number: number,
): Promise<void> {
  const postings = prepared.chunks.flatMap(({ terms, frequencies, length }, ordinal) =>
    terms.map((term, index) => ({ term, ordinal, frequency: frequencies[index] ?? 0, length })),
  );
  for (let from = 0; from < postings.length; from += postingsPerStatement) {
    const batch = postings.slice(from, from + postingsPerStatement);
    await sql`
      insert into posting (tenant_id, collection_number, term, document_number, ordinal, frequency, length)
      select collection.tenant_id, collection.number, posting.term, ${number}::bigint, posting.ordinal,
        posting.frequency, posting.length
      from collection, unnest(
        ${batch.map(({ term }) => term)}::text[],
        ${batch.map(({ ordinal }) => ordinal)}::integer[],
        ${batch.map(({ frequency }) => frequency)}::smallint[],
        ${batch.map(({ length }) => length)}::smallint[]
      ) as posting (term, ordinal, frequency, length)
      where collection.tenant_id = ${tenantId} and collection.name = ${collection}`.execute(transaction);
  }
}
