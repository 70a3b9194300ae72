/** Excerpts: one to three sentences in a row that can stand by themselves. An article is made of them. */
import type { EvidenceIndex, WeightedTerms } from './relevance.js';
import type { SourceParagraph, SourceSentence } from './source-text.js';

export interface Excerpt {
  readonly paragraph: SourceParagraph;
  /** Its place in the evidence, for a stable order. */
  readonly order: number;
  readonly sentences: readonly SourceSentence[];
  readonly terms: readonly string[];
}

export interface ScoredExcerpt {
  readonly excerpt: Excerpt;
  readonly score: number;
}

export interface ChoiceLimits {
  /** Sentences in all. */
  readonly sentences: number;
  /** How much likeness to what is chosen already counts against an excerpt, 0 to 1. */
  readonly diversity: number;
  /** What scores less than this share of the best is not chosen, even where there is room. */
  readonly worthAdding: number;
}

const longestExcerpt = 3;
/** Two excerpts closer than this say the same. */
const nearDuplicate = 0.62;

/** All excerpts of the paragraphs: the first sentence refers to nothing before it, and each is fit to print. */
export function excerptsOf(paragraphs: readonly SourceParagraph[]): Excerpt[] {
  const excerpts: Excerpt[] = [];
  for (const paragraph of paragraphs) {
    paragraph.sentences.forEach((first, from) => {
      if (first.weight === 0 || first.refersBack) return;
      for (let length = 1; length <= longestExcerpt && from + length <= paragraph.sentences.length; length++) {
        const sentences = paragraph.sentences.slice(from, from + length);
        if (sentences.at(-1)?.weight === 0) break;
        excerpts.push({
          paragraph,
          order: excerpts.length,
          sentences,
          terms: sentences.flatMap((sentence) => sentence.terms),
        });
      }
    });
  }
  return excerpts;
}

/** How well an excerpt serves a query: its own words first, then its surroundings, then how central and how early it is. */
export function scoreExcerpt(index: EvidenceIndex, query: WeightedTerms, excerpt: Excerpt): number {
  const surroundings = index.paragraphCoverage(query, excerpt.paragraph);
  const total = excerpt.sentences.reduce((sum, sentence) => {
    const place = excerpt.paragraph.sentences.indexOf(sentence);
    const lead = place === 0 ? 1 : place === 1 ? 0.5 : 0;
    const relevance = 0.55 * index.coverage(query, sentence.terms) + 0.25 * surroundings;
    return sum + sentence.weight * (relevance + 0.12 * index.centrality(sentence) + 0.08 * lead);
  }, 0);
  const count = excerpt.sentences.length;
  const abrupt = (excerpt.sentences[0]?.text.length ?? 0) < 45 ? 0.75 : 1;
  return abrupt * (total / count) * (1 + 0.15 * (count - 1));
}

/**
 * Chooses excerpts (given best first) by score and by what they add to those already chosen (maximal marginal relevance), until they hold
 * `sentences` sentences. Nothing is chosen that shares a sentence with `taken`, or repeats it in other words.
 */
export function chooseExcerpts(
  index: EvidenceIndex,
  candidates: readonly ScoredExcerpt[],
  taken: readonly Excerpt[],
  limits: ChoiceLimits,
): Excerpt[] {
  const chosen: Excerpt[] = [];
  let room = limits.sentences;
  let pool = candidates.map((candidate) => ({
    ...candidate,
    closeness: Math.max(0, ...taken.map((other) => closenessOf(index, candidate.excerpt, other))),
  }));
  while (room > 0) {
    pool = pool.filter(({ closeness, excerpt }) => closeness < nearDuplicate && excerpt.sentences.length <= room);
    const best = pool.reduce<(typeof pool)[number] | null>((leader, candidate) => {
      const value = (entry: (typeof pool)[number]) => entry.score * (1 - limits.diversity * entry.closeness);
      return leader === null || value(candidate) > value(leader) ? candidate : leader;
    }, null);
    if (best === null || best.score < limits.worthAdding * (candidates[0]?.score ?? 0)) break;
    chosen.push(best.excerpt);
    room -= best.excerpt.sentences.length;
    pool = pool.map((candidate) => ({
      ...candidate,
      closeness: Math.max(candidate.closeness, closenessOf(index, candidate.excerpt, best.excerpt)),
    }));
  }
  return chosen;
}

/** 1 where they share a sentence; else the highest similarity between any two of their sentences, or of the whole. */
function closenessOf(index: EvidenceIndex, left: Excerpt, right: Excerpt): number {
  if (left.sentences.some((sentence) => right.sentences.includes(sentence))) return 1;
  const pairs = left.sentences.flatMap((mine) =>
    right.sentences.map((theirs) => index.similarity(mine.terms, theirs.terms)),
  );
  return Math.max(index.similarity(left.terms, right.terms), ...pairs);
}
