import { notFound, type MillraceError } from '@millrace/kernel';
import type { Collection, Document } from '@millrace/contracts';
import type { Selectable, Transaction } from 'kysely';
import type { ResearchTables } from '../schema/tables.js';

type CollectionRow = Selectable<ResearchTables['collection']>;
type DocumentRow = Selectable<ResearchTables['document']>;

/** One name more than asked for tells whether another page follows. */
interface PageOf {
  readonly after: string;
  readonly count: number;
}

/** Makes the collection unless it exists. */
export async function insertCollection(
  transaction: Transaction<ResearchTables>,
  tenantId: string,
  name: string,
  description: string,
): Promise<{ collection: Collection; created: boolean }> {
  const inserted = await transaction
    .insertInto('collection')
    .values({ tenant_id: tenantId, name, description })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doNothing())
    .returningAll()
    .executeTakeFirst();
  const row = inserted ?? (await findCollection(transaction, name));
  return { collection: collectionOf(row), created: inserted !== undefined };
}

/** @throws MillraceError `collection_not_found` */
export async function findCollection(transaction: Transaction<ResearchTables>, name: string): Promise<CollectionRow> {
  return transaction
    .selectFrom('collection')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirstOrThrow(() => collectionNotFound(name));
}

export async function selectCollections(
  transaction: Transaction<ResearchTables>,
  { after, count }: PageOf,
): Promise<Collection[]> {
  const rows = await transaction
    .selectFrom('collection')
    .selectAll()
    .where('name', '>', after)
    .orderBy('name')
    .limit(count)
    .execute();
  return rows.map(collectionOf);
}

export async function selectDocuments(
  transaction: Transaction<ResearchTables>,
  collection: string,
  { after, count }: PageOf,
): Promise<Document[]> {
  const rows = await transaction
    .selectFrom('document')
    .selectAll()
    .where('collection', '=', collection)
    .where('source', '>', after)
    .orderBy('source')
    .limit(count)
    .execute();
  return rows.map(documentOf);
}

export function documentOf(row: Omit<DocumentRow, 'number'>): Document {
  return {
    id: row.id,
    collection: row.collection,
    source: row.source,
    title: row.title,
    mediaType: row.media_type,
    snapshotSha256: row.snapshot_sha256,
    characters: row.characters,
    chunks: row.chunks,
    createdAt: row.created_at.toISOString(),
  };
}

function collectionOf(row: CollectionRow): Collection {
  const { name, description, documents, chunks } = row;
  return { name, description, documents, chunks, createdAt: row.created_at.toISOString() };
}

const collectionNotFound = (name: string): MillraceError =>
  notFound('collection_not_found', `There is no collection "${name}". Create it first.`);
