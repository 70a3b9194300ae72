/** Finds the citation markers of a model's Markdown: `[1]`, `[1, 3]`, `[2-4]`, `【1】`, and links that stand for one. */
import type { Nodes, Parents, PhrasingContent } from 'mdast';
import { offsetsOf, parseMarkdown } from '../reading/markdown.js';
import { readInline } from '../reading/paragraphs.js';
import { sentencesOf, type Sentence } from '../reading/sentences.js';

export interface CitationMarker {
  /** Where it stands in the Markdown, brackets included. */
  readonly start: number;
  readonly end: number;
  /** What it names, as written; a range is unfolded. */
  readonly numbers: readonly number[];
  /** The sentence that it backs, without markers. */
  readonly claim: string;
}

/** A marker inside text that the parser found to be text. A backslash before a bracket is how some models escape it in JSON. */
const markerPattern = /\\?[[【]\s*(\d+(?:\s*[,;–-]\s*\d+)*)\s*\\?[\]】]/g;
/** A link is a marker when all it shows is a number: its address is the model's invention. */
const numericLinkPattern = /^\[?\s*(\d+(?:\s*[,;–-]\s*\d+)*)\s*\]?$/;
/** More numbers than a marker could honestly name. */
const longestRange = 50;

/** Markers in order. Code spans, code blocks, raw HTML and links with words are left alone. */
export function findMarkers(markdown: string): CitationMarker[] {
  const markers: CitationMarker[] = [];
  const visit = (node: Nodes) => {
    if (isReadableRun(node)) markers.push(...markersOfRun(markdown, node.children));
    else if ('children' in node) (node.children as Nodes[]).forEach(visit);
  };
  visit(parseMarkdown(markdown));
  return markers;
}

/** The spans of link definitions that are named by a number (`[1]: https://…`): sources that the model made up. */
export function findNumericDefinitions(markdown: string): { start: number; end: number }[] {
  return parseMarkdown(markdown)
    .children.filter((node) => node.type === 'definition' && /^\d+$/.test(node.identifier))
    .map(offsetsOf);
}

function isReadableRun(node: Nodes): node is Extract<Parents, { type: 'paragraph' | 'heading' | 'tableCell' }> {
  return node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell';
}

function markersOfRun(markdown: string, nodes: readonly PhrasingContent[]): CitationMarker[] {
  const found = nodes.flatMap((node) => markersOfNode(markdown, node));
  if (found.length === 0) return [];
  const sentences = sentencesOf(readInline(markdown, nodes));
  return found.map((marker) => ({ ...marker, claim: claimAt(marker.start, sentences) }));
}

type UnboundMarker = Omit<CitationMarker, 'claim'>;

function markersOfNode(markdown: string, node: PhrasingContent): UnboundMarker[] {
  const { start, end } = offsetsOf(node);
  switch (node.type) {
    case 'text':
      return [...markdown.slice(start, end).matchAll(markerPattern)].map((match) => ({
        start: start + match.index,
        end: start + match.index + match[0].length,
        numbers: unfold(match[1] ?? ''),
      }));
    case 'emphasis':
    case 'strong':
    case 'delete':
      return node.children.flatMap((child) => markersOfNode(markdown, child));
    case 'link':
    case 'linkReference': {
      const numeric = numericLinkPattern.exec(readInline(markdown, node.children).text.trim());
      return numeric ? [{ start, end, numbers: unfold(numeric[1] ?? '') }] : [];
    }
    case 'break':
    case 'footnoteReference':
    case 'html':
    case 'image':
    case 'imageReference':
    case 'inlineCode':
      return [];
  }
}

/** `1, 3-5` is 1, 3, 4, 5. A range that is too long or runs backwards names nothing. */
function unfold(list: string): number[] {
  return list.split(/[,;]/).flatMap((part) => {
    const [first = 0, last = first] = part.split(/[–-]/).map(Number);
    if (last < first || last - first > longestRange) return [];
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/** The sentence around the marker, or the one before it where the marker stands after the full stop. */
function claimAt(offset: number, sentences: readonly Sentence[]): string {
  const index = sentences.findIndex((sentence) => offset < sentence.end);
  const here = sentences[index === -1 ? sentences.length - 1 : index];
  if (!here) return '';
  const precedes = withoutMarkers(here.text).length > 0 && !startsWithMarkers(here, offset);
  const claimed = precedes ? here : (sentences[(index === -1 ? sentences.length : index) - 1] ?? here);
  return withoutMarkers(claimed.text);
}

const withoutMarkers = (text: string): string => text.replace(markerPattern, ' ').replace(/\s+/g, ' ').trim();

/** Whether nothing but markers stands between the sentence's beginning and the offset. */
function startsWithMarkers(sentence: Sentence, offset: number): boolean {
  return /^(\s*\\?[[【][\d\s,;–-]*\\?[\]】])*\s*$/.test(sentence.text.slice(0, Math.max(0, offset - sentence.start)));
}
