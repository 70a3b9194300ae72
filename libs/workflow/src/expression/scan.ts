/** Finds the expressions in a text: `${{ … }}`, where `$${{` stands for the characters `${{` themselves. */

interface ScannedExpression {
  readonly source: string;
}

/** A text as its literal pieces and its expressions, in order; or what is wrong with it. */
export type Scan =
  | { readonly ok: true; readonly pieces: readonly (string | ScannedExpression)[] }
  | { readonly ok: false; readonly message: string };

const opening = '${{';

export function scanText(text: string): Scan {
  const pieces: (string | ScannedExpression)[] = [];
  let literal = '';
  let position = 0;
  for (;;) {
    const start = text.indexOf(opening, position);
    if (start < 0) break;
    if (text[start - 1] === '$' && start > position) {
      literal += text.slice(position, start - 1) + opening;
      position = start + opening.length;
      continue;
    }
    literal += text.slice(position, start);
    const end = endOfExpression(text, start + opening.length);
    if (end < 0) return { ok: false, message: 'The expression is not closed: }} is missing.' };
    if (literal !== '') pieces.push(literal);
    literal = '';
    pieces.push({ source: text.slice(start + opening.length, end).trim() });
    position = end + 2;
  }
  literal += text.slice(position);
  if (literal !== '' || pieces.length === 0) pieces.push(literal);
  return { ok: true, pieces };
}

/** Where the `}}` of an expression begins: the first that is outside of strings and of the braces of CEL; -1 without one. */
function endOfExpression(text: string, from: number): number {
  let braces = 0;
  let position = from;
  while (position < text.length) {
    const character = text[position];
    if (character === '"' || character === "'") {
      position = endOfString(text, position);
      if (position < 0) return -1;
      continue;
    }
    if (character === '{') braces += 1;
    if (character === '}' && braces > 0) braces -= 1;
    else if (character === '}' && text[position + 1] === '}') return position;
    position += 1;
  }
  return -1;
}

/** The position after a CEL string that begins at `start`, with single or triple quotes; -1 if it does not end. (Raw strings end alike.) */
function endOfString(text: string, start: number): number {
  const quote = text[start] ?? '';
  const delimiter = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let position = start + delimiter.length;
  while (position < text.length) {
    if (text.startsWith(delimiter, position)) return position + delimiter.length;
    position += text[position] === '\\' ? 2 : 1;
  }
  return -1;
}
