/** Names a group of excerpts after a phrase that they repeat and the rest of the evidence does not. */
import { stemmer } from 'stemmer';
import { isStopWord, termsOf } from '../reading/terms.js';
import { capitalised } from './headings.js';
import type { Excerpt } from './excerpts.js';
import type { EvidenceIndex } from './relevance.js';

const longestPhrase = 3;
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** @returns a phrase of one to three words as it is written in the text, or null; it repeats none of `avoid`. */
export function keyPhraseOf(
  excerpts: readonly Excerpt[],
  index: EvidenceIndex,
  avoid: readonly string[],
): string | null {
  const avoided = new Set(avoid.flatMap(termsOf));
  const tally = new Map<string, { count: number; written: string; weight: number }>();
  const sentences = new Set(excerpts.flatMap((excerpt) => excerpt.sentences));
  for (const sentence of sentences) {
    for (const phrase of phrasesOf(sentence.text)) {
      const terms = phrase.map(stemmer);
      if (terms.every((term) => avoided.has(term))) continue;
      const key = terms.join(' ');
      const weight = terms.reduce((sum, term) => sum + index.weights.of(term), 0);
      const entry = tally.get(key) ?? { count: 0, written: phrase.join(' '), weight };
      tally.set(key, { ...entry, count: entry.count + 1 });
    }
  }
  let best: { written: string; value: number } | null = null;
  for (const { count, written, weight } of tally.values()) {
    const value = count * weight * (written.includes(' ') ? 1.4 : 1);
    if (best === null || value > best.value) best = { written, value };
  }
  return best && capitalised(best.written);
}

/** Runs of words without stop words, digits or code between punctuation: every part of up to three words. */
function* phrasesOf(text: string): Generator<string[]> {
  let run: string[] = [];
  const prose = text.replace(/(`+)[^`]+\1/g, ',');
  for (const { segment, isWordLike } of segmenter.segment(`${prose}.`)) {
    if (isWordLike && /^\p{L}[\p{L}-]{2,}$/u.test(segment) && !isStopWord(segment.toLowerCase())) {
      run.push(segment.toLowerCase());
    } else if (segment.trim() !== '' || isWordLike) {
      yield* partsOf(run);
      run = [];
    }
  }
}

function* partsOf(run: readonly string[]): Generator<string[]> {
  for (let from = 0; from < run.length; from++) {
    for (let length = 1; length <= longestPhrase && from + length <= run.length; length++)
      yield run.slice(from, from + length);
  }
}
