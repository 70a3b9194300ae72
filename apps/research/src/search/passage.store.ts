import type { Passage } from '@millrace/contracts';
import { sql, type Transaction } from 'kysely';
import type { ResearchTables } from '../schema/tables.js';

/** BM25's usual constants: how soon repetition stops to count, and how much a long chunk is held against it. */
const saturation = 1.2;
const lengthWeight = 0.75;

export interface RankedPassages {
  /** Best first. */
  readonly passages: readonly Passage[];
  /** In how many chunks of the collection each term of the query occurs; absent where in none. */
  readonly matches: ReadonlyMap<string, number>;
}

interface RankedRow {
  readonly document_id: string;
  readonly source: string;
  readonly title: string;
  readonly snapshot_sha256: string;
  readonly ordinal: number;
  readonly start_offset: number;
  readonly end_offset: number;
  readonly headings: string[];
  readonly text: string;
  readonly score: number;
  readonly matches: Record<string, number>;
}

/**
 * Ranks the chunks that hold any of the terms by BM25 (Robertson and Zaragoza 2009, with the inverse document frequency
 * of Lucene, which is never negative). Each `lateral` is one index scan per row whatever the planner knows of the tables:
 * statistics may be missing, and PGlite never gathers them by itself.
 * @param terms how often the query says each.
 */
export async function rankPassages(
  transaction: Transaction<ResearchTables>,
  collection: string,
  terms: ReadonlyMap<string, number>,
  limit: number,
): Promise<RankedPassages> {
  const { rows } = await sql<RankedRow>`
    with searched as materialized (
      select number, chunks::float8, terms::float8 / greatest(chunks, 1) as average_length
      from collection where name = ${collection}
    ),
    query as materialized (
      select asked.term, asked.weight, (
          select count(*) from posting
          where posting.collection_number = searched.number and posting.term = asked.term
        ) as matches
      from searched, unnest(${[...terms.keys()]}::text[], ${[...terms.values()]}::float8[]) as asked (term, weight)
    ),
    ranked as materialized (
      select held.document_number, held.ordinal, sum(
          query.weight * ln(1 + (searched.chunks - query.matches + 0.5::float8) / (query.matches + 0.5::float8))
          * held.frequency / (held.frequency + ${saturation}::float8
            * (1 - ${lengthWeight}::float8 + ${lengthWeight}::float8 * held.length / searched.average_length))
        ) as score
      from searched, query cross join lateral (
        select document_number, ordinal, frequency::float8, length::float8 from posting
        where posting.collection_number = searched.number and posting.term = query.term
        offset 0
      ) as held
      group by held.document_number, held.ordinal
      order by score desc, held.document_number, held.ordinal
      limit ${limit}
    )
    select document.id as document_id, document.source, document.title, document.snapshot_sha256,
      chunk.ordinal, chunk.start_offset, chunk.end_offset, chunk.headings, chunk.text, ranked.score,
      (select jsonb_object_agg(query.term, query.matches) from query where query.matches > 0) as matches
    from ranked
    cross join lateral (
      select * from document where document.number = ranked.document_number offset 0
    ) as document
    cross join lateral (
      select * from chunk
      where chunk.document_number = ranked.document_number and chunk.ordinal = ranked.ordinal
      offset 0
    ) as chunk
    order by ranked.score desc, ranked.document_number, ranked.ordinal`.execute(transaction);
  return { passages: rows.map(passageOf), matches: new Map(Object.entries(rows[0]?.matches ?? {})) };
}

/** The chunks of a document in their order, from its beginning on. They were not searched for, so their score is 0. */
export async function passagesOfDocument(
  transaction: Transaction<ResearchTables>,
  documentId: string,
  limit: number,
): Promise<Passage[]> {
  const { rows } = await sql<Omit<RankedRow, 'matches'>>`
    select document.id as document_id, document.source, document.title, document.snapshot_sha256,
      chunk.ordinal, chunk.start_offset, chunk.end_offset, chunk.headings, chunk.text, 0::float8 as score
    from document join chunk on chunk.document_number = document.number
    where document.id = ${documentId}
    order by chunk.ordinal
    limit ${limit}`.execute(transaction);
  return rows.map(passageOf);
}

function passageOf(row: Omit<RankedRow, 'matches'>): Passage {
  return {
    chunkId: `${row.document_id}.${row.ordinal}`,
    documentId: row.document_id,
    snapshotSha256: row.snapshot_sha256,
    start: row.start_offset,
    end: row.end_offset,
    source: row.source,
    title: row.title,
    headings: row.headings,
    text: row.text,
    score: row.score,
  };
}
