/** What an article on the topic can be about: groups of excerpts under one heading each, the richest first. */
import { termsOf } from '../reading/terms.js';
import { headingSimilarity, repeatsTopic, tellingHeading } from './headings.js';
import { keyPhraseOf } from './key-phrase.js';
import { dot, type EvidenceIndex } from './relevance.js';
import type { Excerpt, ScoredExcerpt } from './excerpts.js';

export interface Theme {
  readonly heading: string;
  /** Best first. */
  readonly excerpts: readonly ScoredExcerpt[];
  readonly score: number;
}

/** Headings that share more of their words than this head the same section. */
const sameHeading = 0.6;
/** Themes whose words are closer than this would repeat each other. */
const sameMatter = 0.75;
/** The weight of a term that about 40 % of the paragraphs hold. */
const commonplace = 0.9;
const sentencesThatMakeATheme = 2;

/**
 * Themes by the headings of the sources, or, where these give fewer than `wanted`, by clusters of what is said.
 * @param candidates excerpts with their relevance to the topic.
 * @returns at most `wanted` themes, in the order of their score.
 */
export function findThemes(
  index: EvidenceIndex,
  candidates: readonly ScoredExcerpt[],
  topic: string,
  wanted: number,
): Theme[] {
  const headed = themesByHeading(index, candidates, topic);
  const themes = chooseThemes(index, headed, wanted);
  if (themes.length >= Math.min(3, wanted)) return themes;
  const used = new Set(themes.flatMap((theme) => theme.excerpts.map(({ excerpt }) => excerpt)));
  const rest = candidates.filter(({ excerpt }) => !used.has(excerpt));
  return chooseThemes(index, [...themes, ...themesByContent(index, rest, topic, wanted)], wanted);
}

function themesByHeading(index: EvidenceIndex, candidates: readonly ScoredExcerpt[], topic: string): Theme[] {
  const groups: { heading: string; excerpts: ScoredExcerpt[] }[] = [];
  for (const candidate of candidates) {
    const heading = tellingHeading(candidate.excerpt.paragraph.headings);
    if (heading === null || headingSimilarity(heading, topic) === 1) continue;
    if (repeatsTopic(heading, topic) && isCommonplace(index, heading)) continue;
    const group = groups.find((known) => headingSimilarity(known.heading, heading) > sameHeading);
    if (group) group.excerpts.push(candidate);
    else groups.push({ heading, excerpts: [candidate] });
  }
  return groups.flatMap(({ heading, excerpts }) => themeOf(heading, excerpts) ?? []);
}

/** Whether most of the evidence holds the heading's words, so that it tells one part from another to nobody. */
const isCommonplace = (index: EvidenceIndex, heading: string): boolean =>
  termsOf(heading).every((term) => index.weights.of(term) < commonplace);

function themeOf(heading: string, excerpts: readonly ScoredExcerpt[]): Theme | null {
  const sentences = new Set(excerpts.flatMap(({ excerpt }) => excerpt.sentences));
  if (sentences.size < sentencesThatMakeATheme) return null;
  const ranked = excerpts.toSorted((left, right) => right.score - left.score);
  return { heading, excerpts: ranked, score: ranked.slice(0, 4).reduce((sum, { score }) => sum + score, 0) };
}

/** The best themes that do not repeat each other. */
function chooseThemes(index: EvidenceIndex, themes: readonly Theme[], wanted: number): Theme[] {
  const chosen: { theme: Theme; matter: ReadonlyMap<string, number> }[] = [];
  for (const theme of themes.toSorted((left, right) => right.score - left.score)) {
    if (chosen.length === wanted) break;
    const matter = index.vector(theme.excerpts.slice(0, 6).flatMap(({ excerpt }) => excerpt.terms));
    const repeats = chosen.some(
      (other) =>
        dot(matter, other.matter) > sameMatter || headingSimilarity(theme.heading, other.theme.heading) > sameHeading,
    );
    if (!repeats) chosen.push({ theme, matter });
  }
  return chosen.map(({ theme }) => theme);
}

/** Themes for sources without telling headings: the best excerpts attract what is close to them, and a phrase names each. */
function themesByContent(
  index: EvidenceIndex,
  candidates: readonly ScoredExcerpt[],
  topic: string,
  wanted: number,
): Theme[] {
  const ranked = candidates.toSorted((left, right) => right.score - left.score).slice(0, 200);
  const seeds: Excerpt[] = [];
  for (const { excerpt } of ranked) {
    if (seeds.length === wanted) break;
    if (seeds.every((seed) => index.similarity(seed.terms, excerpt.terms) < 0.3)) seeds.push(excerpt);
  }
  const clusters = new Map<Excerpt, ScoredExcerpt[]>(seeds.map((seed) => [seed, []]));
  for (const candidate of ranked) {
    const nearest = seeds.reduce<{ seed: Excerpt | null; similarity: number }>(
      (best, seed) => {
        const similarity = index.similarity(seed.terms, candidate.excerpt.terms);
        return similarity > best.similarity ? { seed, similarity } : best;
      },
      { seed: null, similarity: 0.12 },
    );
    if (nearest.seed) clusters.get(nearest.seed)?.push(candidate);
  }
  const named = new Set<string>();
  return [...clusters.values()].flatMap((excerpts) => {
    const heading = keyPhraseOf(
      excerpts.map(({ excerpt }) => excerpt),
      index,
      [topic, ...named],
    );
    if (heading === null) return [];
    named.add(heading);
    return themeOf(heading, excerpts) ?? [];
  });
}
