/** Titles, headings and descriptions: the few words of an article that no source wrote. */
import { stemmer } from 'stemmer';
import { termsOf, wordsOf } from '../reading/terms.js';
import { capitalised, headingSimilarity } from './headings.js';
import type { SourceSentence } from './source-text.js';

const longestTitle = 65;
const description = { shortest: 120, longest: 160 };

/** The topic as a heading: trimmed, without closing punctuation but for a question mark. */
function topicHeading(topic: string): string {
  return capitalised(
    topic
      .replace(/\s+/g, ' ')
      .replace(/[\s.:;,!]+$/u, '')
      .trim(),
  );
}

/** The topic, the keyword where the topic lacks it, and the first themes as far as they fit. */
export function titleOf(topic: string, keyword: string, headings: readonly string[], usage: WordUsage): string {
  const heading = shortened(topicHeading(topic), longestTitle);
  if (keyword !== '' && !mentions(heading, keyword)) {
    const keyed = [topicHeading(topic), ...headings].map(
      (rest) => `${capitalised(keyword)}: ${usage.inSentence(rest)}`,
    );
    return keyed.find((title) => title.length <= longestTitle) ?? heading;
  }
  if (/[:?–—]/.test(heading) || asks(heading) || heading.length > 40) return heading;
  const fresh = headings
    .filter((other) => headingSimilarity(other, heading) < 0.34 && other.length <= 28 && !asks(other))
    .slice(0, 2);
  for (const count of [2, 1]) {
    const parts = fresh.filter((other) => count === 1 || !/\band\b/i.test(other)).slice(0, count);
    const title = `${heading}: ${parts.map((other) => usage.inSentence(other)).join(' and ')}`;
    if (parts.length === count && title.length <= longestTitle) return title;
  }
  return heading;
}

const asks = (heading: string): boolean =>
  /^(how|why|what|when|where|which|who|is|are|can|should|does|do|to)\b/i.test(heading);

/** Whether every word of the keyword is in the text, in whatever form. */
export function mentions(text: string, keyword: string): boolean {
  const terms = new Set([...termsOf(text), ...wordsOf(text).map(stemmer)]);
  const wanted = wordsOf(keyword).map(stemmer);
  return wanted.length > 0 && wanted.every((term) => terms.has(term));
}

/**
 * 120 to 160 characters made of real sentences: one that fits, two short ones, or the beginning of a longer one.
 * @param sentences in the order of the article; those that hold words of the topic and the keyword go first.
 */
export function descriptionOf(sentences: readonly SourceSentence[], topic: string, keyword: string): string {
  const wanted = new Set(termsOf(`${topic} ${keyword}`));
  const holds = (sentence: SourceSentence) => new Set(sentence.terms.filter((term) => wanted.has(term))).size;
  const plain = sentences
    .filter(({ refersBack }) => !refersBack)
    .toSorted((left, right) => holds(right) - holds(left))
    .map(({ text }) => text.replaceAll('`', ''))
    .slice(0, 8);
  const fits = (text: string) => text.length >= description.shortest && text.length <= description.longest;
  const single = plain.slice(0, 3).find(fits);
  if (single) return single;
  for (const first of plain.slice(0, 3)) {
    const second = plain.find((other) => other !== first && fits(`${first} ${other}`));
    if (second) return `${first} ${second}`;
  }
  const long = plain.find((text) => text.length > description.longest);
  return plain.find(fits) ?? (long ? shortened(long, description.longest) : (plain[0] ?? topicHeading(topic)));
}

/** Cut at a clause or a word, with an ellipsis, where it is too long. */
function shortened(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const room = text.slice(0, longest - 1);
  const clause = Math.max(
    room.lastIndexOf(', '),
    room.lastIndexOf('; '),
    room.lastIndexOf(' – '),
    room.lastIndexOf(' — '),
  );
  const cut = clause >= description.shortest - 1 ? clause : room.lastIndexOf(' ');
  return `${room.slice(0, cut > 0 ? cut : room.length).replace(/[\s,;:–—-]+$/u, '')}…`;
}

/** How the evidence spells words in the middle of its sentences, so that names keep their capitals and nothing else does. */
export class WordUsage {
  /** How much more often a word is written with a capital than without. */
  private readonly capitals = new Map<string, number>();

  constructor(sentences: Iterable<SourceSentence>) {
    for (const { text } of sentences) {
      for (const word of text.split(/[^\p{L}\p{N}'’-]+/u).slice(1)) {
        const lower = word.toLowerCase();
        this.capitals.set(lower, (this.capitals.get(lower) ?? 0) + (word === lower ? -1 : 1));
      }
    }
  }

  /** A heading with capitals only where the evidence has them: `Plugin Options` is `Plugin options`, `Using NATS` stays. */
  sentenceCase(heading: string): string {
    const [first = '', ...rest] = heading.split(' ');
    return [first, ...rest.map((word) => this.plain(word))].join(' ');
  }

  /** A heading as it would stand in the middle of a sentence. */
  inSentence(heading: string): string {
    const [first = '', ...rest] = this.sentenceCase(heading).split(' ');
    return [this.plain(first), ...rest].join(' ');
  }

  private plain(word: string): string {
    const lower = word.toLowerCase();
    const isCapitalised = word.slice(1) === lower.slice(1);
    return isCapitalised && (this.capitals.get(lower) ?? 0) <= 0 ? lower : word;
  }
}
