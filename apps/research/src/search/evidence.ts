/**
 * How much evidence passages are for a topic. Ranking alone cannot tell: the best of nothing still comes first, because
 * any text shares some words with any topic. What tells is how much of the topic ONE passage holds, rare words before
 * common ones: "Roman" here and "empire" there is no text on the Roman empire. And where the collection does not even know
 * half of the topic, the rest must be treated at length: "train" in passing is no text on training a puppy, but
 * a passage all about partitions may serve a topic that adds the name of an unknown product.
 */

/** Under this coverage the passages only share words with the topic. Chosen on topics of several fields, see the tests. */
const leastCoverage = 0.38;
/** How many of the best passages are worth looking at. */
export const passagesConsidered = 10;
/** From this many mentions on a passage treats a word at length; title and headings count as mentions. */
const treatment = 4;
/** Mentions do while less than this share of the topic is unknown; from the second share on only treatment does. */
const mentionsDo = 0.4;
const treatmentOnly = 0.55;
/** Even a word that every chunk holds counts this much of what an unknown word counts: small collections have no rare words. */
const leastWeight = 0.5;
/** No single passage can hold every word of a long topic: one that holds this many words' weight holds it all. */
const longestTopic = 4;

export interface TopicStatistics {
  readonly topic: ReadonlySet<string>;
  /** In how many chunks of the collection each term occurs; absent where in none. */
  readonly matches: ReadonlyMap<string, number>;
  /** Chunks in the collection. */
  readonly chunks: number;
}

/**
 * The share of the topic's words, weighted by rarity, that the best of the passages holds: 0 to 1.
 * @param passages the terms of each of the best passages, with their frequencies.
 */
export function coverageOf(
  { topic, matches, chunks }: TopicStatistics,
  passages: readonly ReadonlyMap<string, number>[],
): number {
  const words = [...topic].map((term) => ({ term, weight: weightOf(matches.get(term) ?? 0, chunks) }));
  const total = sum(words.map(({ weight }) => weight));
  if (total === 0) return 0;
  const unknown = sum(words.filter(({ term }) => !matches.has(term)).map(({ weight }) => weight)) / total;
  const heldBy = (frequencies: ReadonlyMap<string, number>): number =>
    sum(words.map(({ term, weight }) => weight * strengthOf(frequencies.get(term) ?? 0, unknown)));
  const best = Math.max(0, ...passages.map(heldBy));
  return Math.min(1, best / Math.min(total, longestTopic));
}

export const isEvidence = (found: { readonly passages: readonly unknown[]; readonly coverage: number }): boolean =>
  found.passages.length > 0 && found.coverage >= leastCoverage;

/** How well a passage holds a word that it mentions so often, where that share of the topic is unknown. */
function strengthOf(frequency: number, unknown: number): number {
  if (frequency === 0) return 0;
  const missing = 1 - Math.min(1, frequency / treatment);
  const strictness = (unknown - mentionsDo) / (treatmentOnly - mentionsDo);
  return 1 - missing * Math.min(1, Math.max(0, strictness));
}

/** By Lucene's inverse document frequency, from `leastWeight` (in every chunk) to 1 (in none). */
function weightOf(matches: number, chunks: number): number {
  const rarity = (found: number): number => Math.log(1 + (Math.max(chunks, found) - found + 0.5) / (found + 0.5));
  return leastWeight + ((1 - leastWeight) * rarity(matches)) / rarity(0);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
