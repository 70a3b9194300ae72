/**
 * How much evidence passages are for a topic. Ranking alone cannot tell: the best of nothing still comes first, because
 * any text shares some words with any topic. What tells is whether ONE passage holds most of what the topic is about, the
 * rare words before the common ones, and holds it as more than a passing mention. Words scattered over many passages
 * count little: "Roman" here and "empire" there is no text on the Roman empire.
 */

/** The part of the coverage that the best single passage gives; the rest is what the best passages hold together. */
const concentration = 0.7;
/** How many of the best passages are looked at. */
const passagesConsidered = 10;
/** What a word counts that a passage mentions once in passing; from the second time on it counts fully. */
const mention = 0.6;
/** Even a word that every chunk holds counts this much of what an absent word counts: small collections have no rare words. */
const leastWeight = 0.5;

export interface TopicStatistics {
  readonly topic: ReadonlySet<string>;
  /** In how many chunks of the collection each term occurs; absent where in none. */
  readonly matches: ReadonlyMap<string, number>;
  /** Chunks in the collection. */
  readonly chunks: number;
}

/**
 * The share of the topic's words, weighted by rarity, that the best passages hold: 0 to 1.
 * @param passages the terms of each passage with their frequencies, best first.
 */
export function coverageOf(
  { topic, matches, chunks }: TopicStatistics,
  passages: readonly ReadonlyMap<string, number>[],
): number {
  const considered = passages.slice(0, passagesConsidered);
  const weights = new Map([...topic].map((term) => [term, weightOf(matches.get(term) ?? 0, chunks)]));
  const total = sum(weights.values());
  if (total === 0) return 0;
  const heldBy = (frequencies: ReadonlyMap<string, number>): number =>
    sum([...weights].map(([term, weight]) => weight * strengthOf(frequencies.get(term) ?? 0)));
  const best = Math.max(0, ...considered.map(heldBy));
  const together = sum(
    [...weights].map(
      ([term, weight]) => weight * Math.max(0, ...considered.map((terms) => strengthOf(terms.get(term) ?? 0))),
    ),
  );
  return Math.min(1, (concentration * best + (1 - concentration) * together) / total);
}

const strengthOf = (frequency: number): number => (frequency === 0 ? 0 : frequency === 1 ? mention : 1);

/** By Lucene's inverse document frequency, from `leastWeight` (in every chunk) to 1 (in none). */
function weightOf(matches: number, chunks: number): number {
  const rarity = (found: number): number => Math.log(1 + (Math.max(chunks, found) - found + 0.5) / (found + 0.5));
  return leastWeight + ((1 - leastWeight) * rarity(matches)) / rarity(0);
}

const sum = (values: Iterable<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

/** Under this coverage the passages only share words with the topic. */
const leastCoverage = 0.35;

export const isEvidence = (found: { readonly passages: readonly unknown[]; readonly coverage: number }): boolean =>
  found.passages.length > 0 && found.coverage >= leastCoverage;
