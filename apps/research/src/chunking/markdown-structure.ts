/**
 * The blocks of a Markdown text. Only block structure is parsed: inline markup does not matter for where to cut, and
 * leaving it out keeps the time linear whatever the text holds.
 */
import type { Heading, Nodes, Root, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { frontmatterFromMarkdown } from 'mdast-util-frontmatter';
import { gfmTableFromMarkdown } from 'mdast-util-gfm-table';
import { toString } from 'mdast-util-to-string';
import { frontmatter } from 'micromark-extension-frontmatter';
import { gfmTable } from 'micromark-extension-gfm-table';
import type { Block, TextStructure } from './block.js';
import { plainStructure } from './plain-structure.js';

/** The tree of a text takes up to a thousand times its memory. A longer text is cut at its blank lines instead. */
const longestParsedText = 800_000;
/** Lists and quotes are looked into this deep; what is nested deeper is cut by its lines. */
const deepestNesting = 20;
const longestHeading = 300;

const inlineConstructs = [
  ...['attention', 'autolink', 'characterEscape', 'characterReference', 'codeText', 'hardBreakEscape', 'htmlText'],
  ...['labelEnd', 'labelStartImage', 'labelStartLink'],
];

/** @param longestBlock containers longer than this many code units are looked into. */
export function markdownStructure(text: string, longestBlock: number): TextStructure {
  if (text.length > longestParsedText) return plainStructure(text);
  const tree = fromMarkdown(text, {
    extensions: [frontmatter(['yaml', 'toml']), gfmTable(), { disable: { null: inlineConstructs } }],
    mdastExtensions: [frontmatterFromMarkdown(['yaml', 'toml']), gfmTableFromMarkdown()],
  });
  const [matter] = tree.children;
  const contentStart = matter !== undefined && isFrontMatter(matter) ? spanOf(matter).end : 0;
  const blocks = blocksOf(tree, text, longestBlock, 0).filter(({ start }) => start >= contentStart);
  return { blocks, contentStart };
}

const isFrontMatter = (node: RootContent): boolean => node.type === 'yaml' || (node.type as string) === 'toml';

function blocksOf(parent: Nodes, text: string, longestBlock: number, depth: number): Block[] {
  if (!('children' in parent)) return [];
  return parent.children.flatMap((node) => {
    const { start, end } = spanOf(node);
    if (node.type === 'heading') return [{ start, end, flow: 'prose', heading: headingOf(node, text) } as const];
    const isLong = end - start > longestBlock;
    if (isLong && isContainer(node) && depth < deepestNesting) return blocksOf(node, text, longestBlock, depth + 1);
    return [{ start, end, flow: node.type === 'paragraph' ? 'prose' : 'lines' } as const];
  });
}

const isContainer = (node: Nodes): boolean =>
  node.type === 'list' || node.type === 'listItem' || node.type === 'blockquote';

function spanOf(node: Root | RootContent): { start: number; end: number } {
  return { start: node.position?.start.offset ?? 0, end: node.position?.end.offset ?? 0 };
}

function headingOf(node: Heading, text: string): { rank: number; text: string } {
  const plain = toString(node).replace(/\s+/g, ' ').trim();
  const isMarkedUp = /[*_`[<&\\]/.test(plain) && plain.length <= longestHeading;
  const { start, end } = spanOf(node);
  const shown = isMarkedUp ? toString(fromMarkdown(text.slice(start, end))) : plain;
  return { rank: node.depth, text: shown.slice(0, longestHeading).toWellFormed().trim() };
}
