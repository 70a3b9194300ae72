import { phrasingWords } from './stop-words.js';
import { countTerms, wordsOf } from './terms.js';

/** What a query asks for. */
export interface Query {
  /** Every term, and how often the query says it: what passages are ranked by. */
  readonly terms: ReadonlyMap<string, number>;
  /** The terms that say what the topic is; the rest only phrases the request. All terms where nothing else is left. */
  readonly topic: ReadonlySet<string>;
}

export function parseQuery(text: string): Query {
  const words = [...wordsOf(text)];
  const topical = words.filter(({ surface }) => !phrasingWords.has(surface));
  const topic = topical.length > 0 ? topical : words;
  return { terms: countTerms(words.map(({ term }) => term)), topic: new Set(topic.map(({ term }) => term)) };
}
