/**
 * Cuts a text into chunks, the unit of retrieval. What always holds:
 * 1. A chunk is one span of the text, without blank space at its ends, at most `size.longest` code units.
 * 2. Chunks are in order and disjoint.
 * 3. Every character of the content that is not blank is in a chunk.
 * 4. No cut is inside a surrogate pair.
 */
import type { Block, TextStructure } from './block.js';
import { splitSpan, trimSpan, type ChunkSize } from './split-span.js';

export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** The headings above it, outermost first. */
  readonly headings: readonly string[];
}

export const chunkSize: ChunkSize = { target: 900, longest: 1600 };
/** A section shorter than this shares its chunk with the next one: alone it would say too little. */
const shortestSection = 250;

/** A block with the headings above it, its own included. */
interface PlacedBlock extends Block {
  readonly headings: readonly string[];
}

export function chunkText(text: string, structure: TextStructure, size: ChunkSize = chunkSize): Chunk[] {
  const placed = withHeadings(wholeBlocks(text, structure, size));
  return pack(placed, size).map((blocks) => ({
    start: blocks[0]?.start ?? 0,
    end: blocks.at(-1)?.end ?? 0,
    headings: (blocks.find(({ heading }) => heading === undefined) ?? blocks[0])?.headings ?? [],
  }));
}

/** Blocks that lie close together: what stands between two of them goes to the second, and what is too long is split. */
function wholeBlocks(text: string, { blocks, contentStart }: TextStructure, size: ChunkSize): Block[] {
  const whole: Block[] = [];
  let reached = contentStart;
  const add = (block: Block) => {
    const pieces = splitSpan(text, { start: reached, end: block.end }, block.flow, size);
    pieces.forEach((piece, index) => {
      const isHeading = index === 0 && block.heading !== undefined;
      whole.push({ ...piece, flow: block.flow, ...(isHeading && { heading: block.heading }) });
    });
    reached = Math.max(reached, block.end);
  };
  blocks.forEach(add);
  const rest = trimSpan(text, { start: reached, end: text.length });
  if (rest.end > rest.start) add({ ...rest, flow: 'lines' });
  return whole;
}

function withHeadings(blocks: readonly Block[]): PlacedBlock[] {
  const above: { rank: number; text: string }[] = [];
  let headings: readonly string[] = [];
  return blocks.map((block) => {
    if (block.heading !== undefined) {
      while ((above.at(-1)?.rank ?? 0) >= block.heading.rank) above.pop();
      above.push(block.heading);
      headings = above.map(({ text }) => text).filter((text) => text !== '');
    }
    return { ...block, headings };
  });
}

/** Puts neighbouring blocks together until they reach the target size; a heading goes with what follows it. */
function pack(blocks: readonly PlacedBlock[], size: ChunkSize): PlacedBlock[][] {
  const chunks: PlacedBlock[][] = [];
  let current: PlacedBlock[] = [];
  const close = () => {
    const lastText = current.findLastIndex(({ heading }) => heading === undefined);
    const kept = lastText < 0 ? current : current.slice(0, lastText + 1);
    if (kept.length > 0) chunks.push(kept);
    current = lastText < 0 ? [] : current.slice(lastText + 1);
  };
  for (const block of blocks) {
    if (!fits(current, block, size)) close();
    // What was carried over (a heading) may still be too long together with this block.
    if (current.length > 0 && lengthWith(current, block) > size.longest) close();
    current.push(block);
  }
  while (current.length > 0) close();
  return chunks;
}

function fits(current: readonly PlacedBlock[], block: PlacedBlock, size: ChunkSize): boolean {
  const [first] = current;
  if (first === undefined) return true;
  const length = (current.at(-1)?.end ?? first.end) - first.start;
  const together = lengthWith(current, block);
  if (together > size.longest) return false;
  if (current.every(({ heading }) => heading !== undefined)) return together <= size.target || length < shortestSection;
  if (block.heading !== undefined) return length < shortestSection && together <= size.target;
  return together <= size.target || length < shortestSection;
}

const lengthWith = (current: readonly PlacedBlock[], block: PlacedBlock): number =>
  block.end - (current[0]?.start ?? block.start);
