/** Everything that composing needs to know about a topic and its evidence, worked out once. */
import { MillraceError } from '@millrace/kernel';
import type { Passage } from '@millrace/contracts';
import { termsOf, wordsOf } from '../reading/terms.js';
import { excerptsOf, scoreExcerpt, type Excerpt, type ScoredExcerpt } from './excerpts.js';
import { mentions } from './naming.js';
import { EvidenceIndex, type WeightedTerms } from './relevance.js';
import { readSources, type SourceParagraph } from './source-text.js';

export interface Brief {
  readonly topic: string;
  readonly keyword: string;
  readonly sources: readonly SourceParagraph[];
  readonly index: EvidenceIndex;
  readonly query: WeightedTerms;
  /** Every excerpt with its relevance to the topic, best first. */
  readonly ranked: readonly ScoredExcerpt[];
  /** The same, ranked by how well they open an article: what the topic is, in words that name it. */
  readonly introductions: readonly ScoredExcerpt[];
}

/** Share of the topic's words that the evidence must hold somewhere. */
const leastCoverage = 0.34;

/** @throws MillraceError `no_evidence` when there is nothing that can be quoted on the topic. */
export function readBrief(request: { topic: string; keyword: string; evidence: readonly Passage[] }): Brief {
  const { topic, keyword } = request;
  const sources = readSources(request.evidence);
  const index = new EvidenceIndex(sources);
  const query = index.query({ text: topic, weight: 1 }, { text: keyword, weight: 0.7 });
  const excerpts = excerptsOf(sources);
  if (excerpts.length === 0 || !speaksAbout(topic, sources)) throw noEvidence(topic);
  index.rankCentrality(query);
  const ranked = sortByScore(excerpts.map((excerpt) => ({ excerpt, score: scoreExcerpt(index, query, excerpt) })));
  const introductions = sortByScore(
    ranked.map(({ excerpt, score }) => ({ excerpt, score: score * openingWorth(excerpt, topic, keyword) })),
  );
  return { topic, keyword, sources, index, query, ranked, introductions };
}

export function noEvidence(topic: string): MillraceError {
  const about = topic.length > 120 ? `${topic.slice(0, 117)}…` : topic;
  return new MillraceError(
    'not-found',
    'no_evidence',
    `The evidence says nothing that can be quoted about "${about}".`,
  );
}

/** Stable: what scores the same stays in the order of the evidence. */
export const sortByScore = (excerpts: readonly ScoredExcerpt[]): ScoredExcerpt[] =>
  excerpts.toSorted((left, right) => right.score - left.score || left.excerpt.order - right.excerpt.order);

function speaksAbout(topic: string, sources: readonly SourceParagraph[]): boolean {
  const asked = new Set(termsOf(topic).length > 0 ? termsOf(topic) : wordsOf(topic));
  const said = new Set(
    sources.flatMap((source) => [
      ...source.sentences.flatMap(({ terms }) => terms),
      ...termsOf([source.passage.title, ...source.headings].join(' ')),
    ]),
  );
  return asked.size > 0 && [...asked].filter((term) => said.has(term)).length / asked.size >= leastCoverage;
}

const definition =
  /^[^,;:.]{2,60}?\b(?:is|are|means|refers to|describes|provides|lets|allows|enables|makes|gives|can be|survives)\b/;
/** How far into a document its opening reaches, in UTF-16 code units. */
const opening = 500;

/** More for a sentence that begins with the topic and says what it is, and for the opening of a document about it. */
function openingWorth(excerpt: Excerpt, topic: string, keyword: string): number {
  const [first] = excerpt.sentences;
  if (!first) return 0;
  const subject = definition.exec(first.text)?.[0] ?? '';
  const { passage, headings, fromList } = excerpt.paragraph;
  const opensDocument = first.start < opening && excerpt.paragraph.sentences[0] === first;
  return (
    (1 + 0.6 * topicShare(topic, subject) + 0.4 * topicShare(topic, first.text)) *
    (opensDocument ? 1.1 + 0.7 * topicShare(topic, [passage.title, ...headings].join(' ')) : 1) *
    (keyword !== '' && mentions(first.text, keyword) ? 1.3 : 1) *
    (fromList ? 0.5 : 1) *
    (excerpt.sentences.some(({ text }) => text.includes('`')) ? 0.8 : 1) *
    (excerpt.sentences.length === 1 ? 0.9 : 1)
  );
}

/** Share of the topic's words that the text holds, 0 to 1. */
function topicShare(topic: string, text: string): number {
  const asked = new Set(termsOf(topic));
  const said = new Set(termsOf(text));
  return asked.size === 0 ? 0 : [...asked].filter((term) => said.has(term)).length / asked.size;
}
