import { stemmer } from 'stemmer';

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Words that say nothing about the matter of a sentence. */
const stopWords = new Set(
  `a about above after again against all also am an and any are as at be because been before being below between both but by
  can could did do does doing down during each either else ever every few for from further get gets had has have having he
  her here hers him his how however i if in into is it its itself just let lets like many may me might more most much must my
  neither no nor not now of off on once one only or other others our out over own per rather s same she should since so some
  still such t than that the their them themselves then there these they this those through thus to too under until up upon
  us very via was we well were what when where whether which while who whom whose why will with within without would yet you
  your`.split(/\s+/),
);

/** The words of a text in lower case, in order, punctuation left out. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    if (isWordLike) words.push(segment.toLowerCase());
  }
  return words;
}

export const isStopWord = (word: string): boolean => stopWords.has(word);

/** The stems (Porter) of a text's words that carry meaning, in order, with repetitions. */
export function termsOf(text: string): string[] {
  return wordsOf(text).flatMap((word) => (stopWords.has(word) ? [] : [stemmer(word)]));
}

/**
 * How much each term says, by how few of the texts hold it (Lucene's BM25 idf, always above 0).
 * A term that no text holds weighs the most.
 */
export class TermWeights {
  private readonly counts = new Map<string, number>();
  private readonly total: number;

  constructor(texts: Iterable<Iterable<string>>) {
    let total = 0;
    for (const terms of texts) {
      total++;
      for (const term of new Set(terms)) this.counts.set(term, (this.counts.get(term) ?? 0) + 1);
    }
    this.total = total;
  }

  of(term: string): number {
    const count = this.counts.get(term) ?? 0;
    return Math.log(1 + (this.total - count + 0.5) / (count + 0.5));
  }
}
