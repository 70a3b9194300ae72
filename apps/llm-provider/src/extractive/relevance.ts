/** How much sentences and paragraphs have to do with a query, and how central they are to the evidence as a whole. */
import { TermWeights, termsOf, wordsOf } from '../reading/terms.js';
import type { SourceParagraph, SourceSentence } from './source-text.js';

/** Terms and how much each of them matters. */
export type WeightedTerms = ReadonlyMap<string, number>;

/** Repeated words count ever less. */
const saturation = 1.2;
/** What even a word that everybody uses counts when texts are compared: in little evidence every word is common. */
const commonTerm = 0.4;
/** Sentences compared with each other: the square of this is the work. */
const centralityPool = 300;
const damping = 0.85;
const iterations = 30;

export class EvidenceIndex {
  readonly weights: TermWeights;
  private readonly paragraphTerms = new Map<SourceParagraph, readonly string[]>();
  private readonly vectors = new WeakMap<readonly string[], ReadonlyMap<string, number>>();
  private readonly centralities = new Map<SourceSentence, number>();

  constructor(readonly paragraphs: readonly SourceParagraph[]) {
    this.weights = new TermWeights(paragraphs.map(({ sentences }) => sentences.flatMap(({ terms }) => terms)));
    for (const paragraph of paragraphs) {
      const context = termsOf([paragraph.passage.title, ...paragraph.headings].join(' '));
      this.paragraphTerms.set(paragraph, [...context, ...paragraph.sentences.flatMap(({ terms }) => terms)]);
    }
  }

  /** What a query asks for. Parts that come later in `texts` add to what earlier ones said. */
  query(...texts: readonly { readonly text: string; readonly weight: number }[]): WeightedTerms {
    const query = new Map<string, number>();
    for (const { text, weight } of texts) {
      const terms = new Set(termsOf(text).length > 0 ? termsOf(text) : wordsOf(text));
      for (const term of terms) query.set(term, (query.get(term) ?? 0) + weight * (0.3 + this.weights.of(term)));
    }
    return query;
  }

  /** Share of the query that the terms hold, 0 to 1. */
  coverage(query: WeightedTerms, terms: readonly string[]): number {
    const counts = new Map<string, number>();
    for (const term of terms) if (query.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
    let held = 0;
    let asked = 0;
    for (const [term, weight] of query) {
      const count = counts.get(term) ?? 0;
      asked += weight;
      held += (weight * count * (saturation + 1)) / (count + saturation) / 1.65;
    }
    return asked === 0 ? 0 : Math.min(1, held / asked);
  }

  /** The same for a paragraph together with its title and headings. */
  paragraphCoverage(query: WeightedTerms, paragraph: SourceParagraph): number {
    return this.coverage(query, this.paragraphTerms.get(paragraph) ?? []);
  }

  /** How much the sentence says what others say, too (LexRank), 0 to 1; 0 until `rankCentrality` was called. */
  centrality(sentence: SourceSentence): number {
    return this.centralities.get(sentence) ?? 0;
  }

  /** Finds the centrality of the sentences closest to the query. */
  rankCentrality(query: WeightedTerms): void {
    const pool = this.paragraphs
      .flatMap((paragraph) => paragraph.sentences)
      .filter((sentence) => sentence.weight > 0)
      .map((sentence) => ({ sentence, relevance: this.coverage(query, sentence.terms) }))
      .sort((left, right) => right.relevance - left.relevance)
      .slice(0, centralityPool)
      .map(({ sentence }) => sentence);
    const ranks = lexRank(pool.map((sentence) => this.vector(sentence.terms)));
    const highest = Math.max(...ranks, Number.EPSILON);
    pool.forEach((sentence, index) => this.centralities.set(sentence, (ranks[index] ?? 0) / highest));
  }

  /** Cosine of two texts' weighted terms, 0 to 1. */
  similarity(left: readonly string[], right: readonly string[]): number {
    return dot(this.vector(left), this.vector(right));
  }

  /** Weighted terms of length 1; kept for each list of terms. */
  vector(terms: readonly string[]): ReadonlyMap<string, number> {
    const known = this.vectors.get(terms);
    if (known) return known;
    const vector = new Map<string, number>();
    for (const term of terms) vector.set(term, (vector.get(term) ?? 0) + commonTerm + this.weights.of(term));
    const length = Math.hypot(...vector.values()) || 1;
    for (const [term, value] of vector) vector.set(term, value / length);
    this.vectors.set(terms, vector);
    return vector;
  }
}

export function dot(left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>): number {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  let sum = 0;
  for (const [term, value] of small) sum += value * (large.get(term) ?? 0);
  return sum;
}

/** Power iteration over the graph of sentences whose edges are similarities. */
function lexRank(vectors: readonly ReadonlyMap<string, number>[]): number[] {
  const size = vectors.length;
  const links = vectors.map((left, row) =>
    vectors.map((right, column) => {
      const similarity = row === column ? 0 : dot(left, right);
      return similarity < 0.1 ? 0 : similarity;
    }),
  );
  const outgoing = links.map((row) => row.reduce((sum, link) => sum + link, 0));
  let ranks = vectors.map(() => 1 / size);
  for (let round = 0; round < iterations; round++) {
    const previous = ranks;
    ranks = vectors.map((_, column) => {
      const incoming = previous.reduce((sum, rank, row) => {
        const total = outgoing[row] ?? 0;
        return total === 0 ? sum : sum + (rank * (links[row]?.[column] ?? 0)) / total;
      }, 0);
      return (1 - damping) / size + damping * incoming;
    });
  }
  return ranks;
}
