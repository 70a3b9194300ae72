/** Cuts a span that is too long for one chunk at the best place: between lines or sentences, else words, else letters. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ChunkSize {
  /** A chunk is closed once it has about this many code units. */
  readonly target: number;
  /** No chunk is longer. */
  readonly longest: number;
}

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });
const letters = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** No letter that people see is made of more code units than this. */
const longestLetter = 64;

/** Pieces without the blank space around them, each at most `longest`; together they hold all that is not blank. */
export function splitSpan(text: string, span: Span, flow: 'prose' | 'lines', size: ChunkSize): Span[] {
  const pieces: Span[] = [];
  for (let rest = trimSpan(text, span); rest.end > rest.start;) {
    const end = rest.end - rest.start <= size.longest ? rest.end : cutOf(text, rest.start, flow, size);
    pieces.push(trimSpan(text, { start: rest.start, end }));
    rest = trimSpan(text, { start: end, end: rest.end });
  }
  return pieces;
}

/** Without the blank space at both ends. */
export function trimSpan(text: string, { start, end }: Span): Span {
  let from = start;
  let to = end;
  while (from < to && isBlank(text, from)) from += 1;
  while (to > from && isBlank(text, to - 1)) to -= 1;
  return { start: from, end: to };
}

const isBlank = (text: string, index: number): boolean => text.charAt(index).trim() === '';

/** Where to end a piece that begins at `start` and has more than `size.longest` before it. Always after `start`. */
function cutOf(text: string, start: number, flow: 'prose' | 'lines', size: ChunkSize): number {
  const window = text.slice(start, start + size.longest);
  const least = size.target / 2;
  const cuts = [
    () => (flow === 'lines' ? bestCut(lineEnds(window), least, size.target) : undefined),
    () => bestCut(sentenceEnds(window), least, size.target),
    () => bestCut(lineEnds(window), 1, size.target),
    () => bestCut(wordEnds(window), 1, size.target),
  ];
  for (const cut of cuts) {
    const found = cut();
    if (found !== undefined) return start + found;
  }
  return letterBefore(text, start, start + size.target);
}

/** The last place up to the target, else the first after it. */
function bestCut(places: Iterable<number>, least: number, target: number): number | undefined {
  let best: number | undefined;
  for (const place of places) {
    if (place < least) continue;
    if (place > target) return best ?? place;
    best = place;
  }
  return best;
}

function* lineEnds(window: string): Generator<number> {
  for (let at = window.indexOf('\n'); at >= 0; at = window.indexOf('\n', at + 1)) if (at > 0) yield at;
}

function* sentenceEnds(window: string): Generator<number> {
  for (const { index, segment } of sentences.segment(window)) {
    // Where the window ends is not where the sentence does.
    if (index + segment.length < window.length) yield index + segment.length;
  }
}

function* wordEnds(window: string): Generator<number> {
  for (const { index } of window.matchAll(/\s+/g)) if (index > 0) yield index;
}

/** The beginning of the letter that stands at `near`: never inside a surrogate pair, an emoji or an accent. */
function letterBefore(text: string, start: number, near: number): number {
  const from = Math.max(start, near - longestLetter);
  const window = text.slice(from, near + longestLetter);
  const inside = letters.segment(window).containing(near - from);
  const cut = from + (inside?.index ?? near - from);
  if (cut > start) return cut;
  return isLowSurrogate(text.charCodeAt(near)) ? near - 1 : near;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
