/**
 * From text to index terms, the same way for documents and queries: words by Unicode's letters and digits, lower case,
 * without accents, without function words, stemmed where they are English. Scripts written without spaces have no
 * words to split at: Chinese, Japanese and Korean become overlapping pairs, the others go through the dictionary
 * segmentation of the runtime.
 */
import { stemmer } from 'stemmer';
import { functionWords } from './stop-words.js';

/** Longer runs are data (hashes, base64), not words: they stay findable by their beginning. */
const longestTerm = 64;

const word = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}]+)*/gu;
const pairedScript = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]/u;
const pairedRun =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+|[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}ー]+/gu;
const unspacedScript = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const asciiWord = /^[a-z]+$/;
const ascii = /^[\x20-\x7e]*$/;
const combiningAccents = /[\u0300-\u036f]/g;
const possessive = /['’](?:s|$)/;

let dictionary: Intl.Segmenter | undefined;

/** A word of a text: as it was written in lower case, and the term under which it is indexed. */
export interface Word {
  readonly surface: string;
  readonly term: string;
}

/** The words of a text in order, repeats included, function words left out. */
export function* wordsOf(text: string): Generator<Word> {
  for (const [match] of text.matchAll(word)) {
    if (ascii.test(match)) yield* spacedWord(match);
    else if (pairedScript.test(match)) for (const [run] of match.matchAll(pairedRun)) yield* runOf(run);
    else yield* runOf(match);
  }
}

/** The index terms of a text in order, repeats included. */
export function termsOf(text: string): string[] {
  return Array.from(wordsOf(text), ({ term }) => term);
}

/** How often each term occurs. */
export function countTerms(terms: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function* runOf(run: string): Generator<Word> {
  if (pairedScript.test(run)) yield* overlappingPairs(run);
  else if (unspacedScript.test(run)) yield* dictionaryWords(run);
  else yield* spacedWord(run);
}

function* spacedWord(written: string): Generator<Word> {
  const surface = foldCase(written);
  // "don't" is "don" and "t", of which the second says nothing; "broker's" is "broker".
  const parts = surface.split(/['’]/);
  const kept = possessive.test(surface) || parts.length > 1 ? parts[0] : surface;
  if (kept === undefined || kept === '' || functionWords.has(kept)) return;
  yield { surface: kept, term: asciiWord.test(kept) ? stemmer(kept) : kept };
}

function* overlappingPairs(run: string): Generator<Word> {
  const characters = Array.from(run.normalize('NFKC'));
  if (characters.length === 1) yield { surface: run, term: run };
  for (let index = 0; index + 1 < characters.length; index += 1) {
    const pair = `${characters[index]}${characters[index + 1]}`;
    yield { surface: pair, term: pair };
  }
}

function* dictionaryWords(run: string): Generator<Word> {
  dictionary ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  for (const { segment, isWordLike } of dictionary.segment(run)) {
    if (isWordLike === true) yield { surface: segment, term: segment.slice(0, longestTerm) };
  }
}

function foldCase(written: string): string {
  const lower = written.toLowerCase();
  const folded = ascii.test(lower) ? lower : lower.normalize('NFKD').replace(combiningAccents, '').normalize('NFC');
  return truncate(folded);
}

/** At most `longestTerm` code units, never half of a surrogate pair. */
function truncate(text: string): string {
  return text.length <= longestTerm
    ? text
    : text
        .slice(0, longestTerm)
        .toWellFormed()
        .replace(/\ufffd$/, '');
}
