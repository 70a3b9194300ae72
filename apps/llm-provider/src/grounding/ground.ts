/**
 * Binds a model's text to the evidence it was given: every marker that stays has its citation, every citation a marker,
 * and every quote is an exact slice of the stored snapshot. What names no evidence is removed.
 */
import type { Citation, Passage } from '@millrace/contracts';
import { findMarkers, findNumericDefinitions } from './citation-markers.js';
import { QuotablePassage } from './supporting-quote.js';

export interface GroundedText {
  readonly markdown: string;
  /** In the order of their first appearance, numbered from 1. */
  readonly citations: readonly Citation[];
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * @param markdown the model's text; `[n]` names `evidence[n - 1]`.
 * @returns the text with markers renumbered by first appearance, one per passage and span.
 */
export function ground(markdown: string, evidence: readonly Passage[]): GroundedText {
  const plain = withPlainMarkers(markdown, firstNumbers(evidence));
  const book = new CitationBook(evidence);
  const renumbered = findMarkers(plain).map(({ start, end, numbers, claim }) => ({
    start,
    end,
    text: numbers.map((number) => `[${book.cite(number, claim)}]`).join(''),
  }));
  return { markdown: splice(plain, renumbered), citations: book.citations };
}

/** For the number of each usable passage the first number of the same passage: searches may have found it twice. */
function firstNumbers(evidence: readonly Passage[]): ReadonlyMap<number, number> {
  const firstOf = new Map<string, number>();
  const numbers = new Map<number, number>();
  evidence.forEach(({ documentId, snapshotSha256, start, end, text }, index) => {
    if (text.trim() === '') return;
    const key = `${documentId} ${snapshotSha256} ${start} ${end}`;
    const first = firstOf.get(key) ?? index + 1;
    firstOf.set(key, first);
    numbers.set(index + 1, first);
  });
  return numbers;
}

/** Numbers citations as they appear. */
class CitationBook {
  readonly citations: Citation[] = [];
  private readonly markerOfSpan = new Map<string, number>();
  private readonly readPassages = new Map<number, QuotablePassage>();

  constructor(private readonly evidence: readonly Passage[]) {}

  /** The marker for what `evidence[number - 1]` says about the claim. */
  cite(number: number, claim: string): number {
    const passage = this.evidence[number - 1];
    if (!passage) throw new RangeError(`There is no evidence ${number}.`);
    const quote = this.read(number, passage.text).quoteFor(claim);
    const span = { start: passage.start + quote.start, end: passage.start + quote.end };
    const key = `${passage.documentId} ${passage.snapshotSha256} ${span.start} ${span.end}`;
    const known = this.markerOfSpan.get(key);
    if (known !== undefined) return known;
    const marker = this.citations.length + 1;
    const { documentId, snapshotSha256, source } = passage;
    this.citations.push({
      marker,
      documentId,
      snapshotSha256,
      source,
      ...span,
      quote: passage.text.slice(quote.start, quote.end),
    });
    this.markerOfSpan.set(key, marker);
    return marker;
  }

  private read(number: number, text: string): QuotablePassage {
    const known = this.readPassages.get(number);
    if (known) return known;
    const read = new QuotablePassage(text);
    this.readPassages.set(number, read);
    return read;
  }
}

/**
 * Brings every marker into the form `[n]`, and removes those that name nothing in `usable`, those that repeat the one right
 * before them, and definitions named by numbers. Again and again: what is left around a removed marker may be read as
 * another one, and an unescaped bracket may begin a link. Each round removes syntax, so it ends.
 */
function withPlainMarkers(markdown: string, usable: ReadonlyMap<number, number>): string {
  let text = markdown;
  for (;;) {
    const current = text;
    const removed = findNumericDefinitions(current).map(({ start, end }) => withSpaceBefore(current, start, end));
    let before = { end: -1, last: 0 };
    const plain = findMarkers(current).map(({ start, end, numbers }) => {
      const known = new Set(numbers.flatMap((number) => usable.get(number) ?? []));
      if (known.size === 0) return withSpaceBefore(current, start, end);
      const text = [...known]
        .filter((number) => before.end !== start || before.last !== number)
        .map((number) => `[${number}]`);
      before = { end, last: [...known].at(-1) ?? 0 };
      return { start, end, text: text.join('') };
    });
    text = splice(
      current,
      [...removed, ...plain].sort((left, right) => left.start - right.start),
    );
    if (text === current) return text;
  }
}

/** Takes the space before a removed marker along where the sentence goes on with punctuation, space or nothing. */
function withSpaceBefore(text: string, start: number, end: number): Replacement {
  const joins = end >= text.length || /[\s.,;:!?)\]]/.test(text.charAt(end));
  const gap = joins ? (/[ \t]+$/.exec(text.slice(0, start))?.[0].length ?? 0) : 0;
  const opensLine = start - gap === 0 || text.charAt(start - gap - 1) === '\n';
  return { start: opensLine ? start : start - gap, end, text: '' };
}

function splice(text: string, replacements: readonly Replacement[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, text: inserted } of replacements) {
    result += text.slice(at, Math.max(at, start)) + inserted;
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}
