import type { Check, Citation, Passage } from '@millrace/contracts';
import { type ArticleText, type Sentence, wordsOf } from '../article/article-text.js';
import { scored, unscorable } from '../evaluate/gate.js';

/** Shorter sentences hold too few trigrams to say anything. */
const minimumWords = 4;
/** Above this mean the text is close to its sources, where trigram overlap agrees well with human judges. */
const extractiveMean = 0.6;
/** A sentence with less overlap than this is named in the reasons. */
const weakCoverage = 0.3;

/**
 * How much of the text is covered by the evidence that it cites: the mean share of each sentence's word trigrams that
 * stand in the quotes and passages behind its markers. A sentence without a marker is held against nothing and scores 0.
 * Overlap is a good measure for extractive text and a weak one for free text, which the confidence says.
 */
export function checkFaithfulness(
  article: ArticleText,
  citations: readonly Citation[],
  evidence: readonly Passage[],
): Check {
  const sentences = article.sentences.filter((sentence) => sentence.words.length >= minimumWords);
  if (sentences.length === 0) return unscorable('The article has no sentences to hold against its sources.');
  if (citations.length === 0) return unscorable('There is no evidence to hold the article against.');
  const sources = sourcesByMarker(citations, evidence);
  const coverages = sentences.map((sentence) => coverageOf(sentence, sources));
  const mean = coverages.reduce((sum, coverage) => sum + coverage, 0) / coverages.length;
  const weak = sentences.filter((_, index) => (coverages[index] ?? 0) < weakCoverage);
  const reasons = [`${Math.round(mean * 100)} % of the wording is found in the cited sources.`];
  for (const sentence of weak.slice(0, 3)) reasons.push(`Weakly supported: “${sentence.text.slice(0, 120)}”`);
  return scored(mean, reasons, mean >= extractiveMean ? 'high' : 'low');
}

/** For each marker the trigrams of its quote and of the passage around it. */
function sourcesByMarker(citations: readonly Citation[], evidence: readonly Passage[]): Map<number, Set<string>> {
  return new Map(
    citations.map((citation) => {
      const around = evidence.filter(
        (passage) =>
          passage.snapshotSha256 === citation.snapshotSha256 &&
          passage.start <= citation.start &&
          passage.end >= citation.end,
      );
      return [citation.marker, trigramsOf(wordsOf([citation.quote, ...around.map(({ text }) => text)].join('\n')))];
    }),
  );
}

function coverageOf(sentence: Sentence, sources: ReadonlyMap<number, ReadonlySet<string>>): number {
  const trigrams = [...trigramsOf(sentence.words)];
  const cited = sentence.markers.map((marker) => sources.get(marker)).filter((source) => source !== undefined);
  const covered = trigrams.filter((trigram) => cited.some((source) => source.has(trigram)));
  return trigrams.length === 0 ? 0 : covered.length / trigrams.length;
}

function trigramsOf(words: readonly string[]): Set<string> {
  const trigrams = new Set<string>();
  for (let index = 0; index + 2 < words.length; index += 1) trigrams.add(words.slice(index, index + 3).join(' '));
  return trigrams;
}
