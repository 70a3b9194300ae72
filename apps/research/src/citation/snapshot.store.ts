import type { Transaction } from 'kysely';
import type { ResearchTables } from '../schema/tables.js';

export interface Snapshot {
  /** Where the document came from. */
  readonly source: string;
  readonly sha256: string;
  readonly text: string;
}

/** The snapshot, if that document has or once had it. */
export async function findSnapshot(
  transaction: Transaction<ResearchTables>,
  documentId: string,
  sha256: string,
): Promise<Snapshot | undefined> {
  return transaction
    .selectFrom('document_snapshot')
    .innerJoin('snapshot', 'snapshot.sha256', 'document_snapshot.sha256')
    .innerJoin('document', 'document.id', 'document_snapshot.document_id')
    .select(['document.source', 'snapshot.sha256', 'snapshot.text'])
    .where('document_snapshot.document_id', '=', documentId)
    .where('document_snapshot.sha256', '=', sha256)
    .executeTakeFirst();
}
