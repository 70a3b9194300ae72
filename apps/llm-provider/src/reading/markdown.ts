import type { Root } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

const extensions = [gfm()];
/** Without the transforms that look for bare addresses in the finished tree: the nodes they make have no offsets. */
const mdastExtensions = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));

/** Parses GitHub-flavoured Markdown. Every node knows its offsets (UTF-16 code units) into `markdown`. */
export function parseMarkdown(markdown: string): Root {
  return fromMarkdown(markdown, { extensions, mdastExtensions });
}

/** The offsets of a parsed node: `start` inclusive, `end` exclusive. */
export function offsetsOf(node: { position?: { start: { offset?: number }; end: { offset?: number } } }): {
  start: number;
  end: number;
} {
  const start = node.position?.start.offset;
  const end = node.position?.end.offset;
  if (start === undefined || end === undefined) throw new Error('A node that was not parsed has no offsets.');
  return { start, end };
}
