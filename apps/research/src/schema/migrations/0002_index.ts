import { protectTenantTable } from '@millrace/database';
import { sql, type Kysely } from 'kysely';

/**
 * The inverted index. The primary key of `posting` is the access path of ranking: equality on tenant, collection and term.
 * These comparisons are leakproof, so row-level security does not keep the planner from the index; an operator such as
 * array overlap would. Terms compare byte by byte ("C"), which no locale is needed for.
 */
export async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table chunk (
      tenant_id text not null,
      document_number bigint not null,
      ordinal integer not null,
      start_offset integer not null,
      end_offset integer not null,
      headings text[] not null,
      text text not null,
      primary key (tenant_id, document_number, ordinal)
    )`.execute(database);
  await sql`
    create table posting (
      tenant_id text not null,
      collection_number bigint not null,
      term text collate "C" not null,
      document_number bigint not null,
      ordinal integer not null,
      frequency smallint not null,
      length smallint not null,
      primary key (tenant_id, collection_number, term, document_number, ordinal)
    )`.execute(database);
  // For replacing a document. Not unique, so it deduplicates to a few bytes a row.
  await sql`create index posting_document on posting (document_number)`.execute(database);
  await protectTenantTable(database, 'chunk', { tenant: ['select', 'insert', 'delete'] });
  await protectTenantTable(database, 'posting', { tenant: ['select', 'insert', 'delete'] });
}
