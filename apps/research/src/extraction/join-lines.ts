/** A line of a page. `y` is its distance from the page's lower edge and `height` that of its letters, both in points. */
export interface PageLine {
  readonly text: string;
  readonly y: number;
  readonly height: number;
}

/** A step down larger than this many of the page's usual steps begins a paragraph. */
const paragraphGap = 1.35;
/** A change of letter height by more than this begins one too: a heading, a footnote. */
const heightChange = 1.15;

/** Joins the lines of a page to paragraphs, which a blank line separates; words hyphenated at a line's end are mended. */
export function joinLines(lines: readonly PageLine[]): string {
  const paragraphs: string[] = [];
  const usualStep = lineStep(lines);
  lines.forEach((line, index) => {
    const previous = lines[index - 1];
    const text = line.text.replace(/\s+/g, ' ').trim();
    const last = paragraphs.at(-1);
    if (previous === undefined || last === undefined || beginsParagraph(previous, line, usualStep))
      paragraphs.push(text);
    else paragraphs[paragraphs.length - 1] = joinLine(last, text);
  });
  return paragraphs.join('\n\n');
}

function beginsParagraph(previous: PageLine, line: PageLine, usualStep: number): boolean {
  // A step up is the next column, whose first line usually goes on with the sentence.
  if (previous.y - line.y > usualStep * paragraphGap) return true;
  const [smaller, larger] = [Math.min(previous.height, line.height), Math.max(previous.height, line.height)];
  return smaller > 0 && larger / smaller > heightChange;
}

/** The distance between lines of one paragraph: that of the lower third, since gaps are larger; with few lines, that of ordinary print. */
function lineStep(lines: readonly PageLine[]): number {
  const steps = lines.slice(1).map((line, index) => (lines[index]?.y ?? line.y) - line.y);
  const down = steps.filter((step) => step > 0).sort((one, other) => one - other);
  const letterHeight = Math.max(...lines.slice(0, 1).map(({ height }) => height), 1);
  return down.length < 3 ? letterHeight * 1.4 : (down[Math.floor(down.length / 3)] ?? letterHeight);
}

function joinLine(before: string, line: string): string {
  const isHyphenated = /\p{Ll}-$/u.test(before) && /^\p{Ll}/u.test(line);
  if (isHyphenated) return before.slice(0, -1) + line;
  return before.endsWith('\u00ad') ? before.slice(0, -1) + line : `${before} ${line}`;
}
