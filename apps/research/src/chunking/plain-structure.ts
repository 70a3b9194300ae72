import type { Block, TextStructure } from './block.js';

/** The paragraphs of a plain text: what blank lines separate. */
export function plainStructure(text: string): TextStructure {
  const blocks: Block[] = [];
  let start = -1;
  let end = 0;
  for (let lineStart = 0; lineStart < text.length;) {
    const lineEnd = endOfLine(text, lineStart);
    const isBlank = text.slice(lineStart, lineEnd).trim() === '';
    if (isBlank && start >= 0) blocks.push({ start, end, flow: 'prose' });
    if (isBlank) start = -1;
    else {
      if (start < 0) start = lineStart;
      end = lineEnd;
    }
    lineStart = lineEnd + 1;
  }
  if (start >= 0) blocks.push({ start, end, flow: 'prose' });
  return { blocks, contentStart: 0 };
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf('\n', from);
  return found < 0 ? text.length : found;
}
