import type { Passage } from '@millrace/contracts';
import type { Transaction } from 'kysely';
import { findCollection } from '../collection/collection.store.js';
import type { ResearchTables } from '../schema/tables.js';
import { coverageOf, passagesConsidered } from './evidence.js';
import { indexedTerms } from './indexed-terms.js';
import { withoutNearDuplicates } from './near-duplicates.js';
import { rankPassages } from './passage.store.js';
import { parseQuery } from './query.js';

export interface FoundPassages {
  /** Best first, near duplicates left out. */
  readonly passages: Passage[];
  /** How much evidence they are for the query, 0 to 1. */
  readonly coverage: number;
}

/** @throws MillraceError `collection_not_found` */
export async function findPassages(
  transaction: Transaction<ResearchTables>,
  { collection, query, limit }: { readonly collection: string; readonly query: string; readonly limit: number },
): Promise<FoundPassages> {
  const { chunks } = await findCollection(transaction, collection);
  const { terms, topic } = parseQuery(query);
  if (terms.size === 0) return { passages: [], coverage: 0 };
  // Some more than asked for, to fill the places of near duplicates.
  const ranked = await rankPassages(transaction, collection, terms, 2 * limit + 10);
  const passages = withoutNearDuplicates(ranked.passages, ({ text }) => writtenWords(text), limit);
  const best = ranked.passages.slice(0, passagesConsidered).map(indexedTerms);
  return { passages, coverage: coverageOf({ topic, matches: ranked.matches, chunks }, best) };
}

/** The words as they are written: for telling copies, terms would be needlessly dear. */
const writtenWords = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().split(/\s+/));
