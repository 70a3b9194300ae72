import type { ReadableText } from './paragraphs.js';

/** `start` and `end` are offsets into the Markdown that the sentence was read from. */
export interface Sentence {
  /** The words, white space collapsed; code spans keep their backticks. */
  readonly text: string;
  /** The same as Markdown: what could be taken for syntax is escaped. */
  readonly markdown: string;
  readonly start: number;
  readonly end: number;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** After these a capital letter does not begin a sentence. */
const abbreviations = new Set(
  [
    'e.g',
    'i.e',
    'etc',
    'vs',
    'cf',
    'approx',
    'dr',
    'mr',
    'mrs',
    'ms',
    'prof',
    'st',
    'no',
    'fig',
    'inc',
    'ltd',
    'al',
  ].map((word) => `${word}.`),
);

/** Splits a paragraph into its sentences, in order. Code spans are never split. */
export function sentencesOf(paragraph: ReadableText): Sentence[] {
  return boundariesOf(paragraph.masked).flatMap(({ from, to }) => {
    const trimmedFrom = from + leadingSpace(paragraph.text.slice(from, to));
    const trimmedTo = trimmedFrom + paragraph.text.slice(trimmedFrom, to).trimEnd().length;
    const start = paragraph.starts[trimmedFrom];
    const end = paragraph.ends[trimmedTo - 1];
    if (start === undefined || end === undefined || trimmedTo <= trimmedFrom) return [];
    return [
      {
        text: collapse(paragraph.text.slice(trimmedFrom, trimmedTo)),
        markdown: toMarkdown(paragraph, trimmedFrom, trimmedTo),
        start,
        end,
      },
    ];
  });
}

function boundariesOf(masked: string): { from: number; to: number }[] {
  const boundaries: { from: number; to: number }[] = [];
  for (const { segment, index } of segmenter.segment(masked)) {
    const previous = boundaries.at(-1);
    if (previous && continuesAfter(masked.slice(previous.from, previous.to))) previous.to = index + segment.length;
    else boundaries.push({ from: index, to: index + segment.length });
  }
  return boundaries;
}

/** Whether what was taken for a sentence ends in an abbreviation, an initial, or the number of a list. */
function continuesAfter(segment: string): boolean {
  const lastWord =
    segment
      .trimEnd()
      .split(/\s+/)
      .at(-1)
      ?.replace(/^[("'“‘[]+/, '') ?? '';
  return (
    abbreviations.has(lastWord.toLowerCase()) || /^\p{Lu}\.$/u.test(lastWord) || /^\d{1,3}\.$/.test(segment.trim())
  );
}

const leadingSpace = (text: string): number => text.length - text.trimStart().length;
const collapse = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** Escapes what Markdown would read as syntax; underscores within a word are none. */
function toMarkdown({ text, literal }: ReadableText, from: number, to: number): string {
  let markdown = '';
  for (let index = from; index < to; index++) {
    const unit = text.charAt(index);
    const escaped = !literal[index] && isSyntax(unit, text.charAt(index - 1), text.charAt(index + 1));
    markdown += escaped ? `\\${unit}` : unit;
  }
  return collapse(markdown);
}

function isSyntax(unit: string, before: string, after: string): boolean {
  if (unit === '_') return !(/\w/.test(before) && /\w/.test(after));
  if (unit === '~') return before === '~' || after === '~';
  if (unit === '&') return /[a-z#]/i.test(after);
  return '\\`*[]<'.includes(unit);
}
