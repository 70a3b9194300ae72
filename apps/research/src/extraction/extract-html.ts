/** From a web page to Markdown: the main content without navigation, scripts and forms. */
import type { Element, Root, RootContent } from 'hast';
import { fromHtml } from 'hast-util-from-html';
import { toMdast } from 'hast-util-to-mdast';
import type { Nodes as MdastNodes } from 'mdast';
import { gfmToMarkdown } from 'mdast-util-gfm';
import { toMarkdown } from 'mdast-util-to-markdown';
import { toString } from 'mdast-util-to-string';
import { EXIT, visit } from 'unist-util-visit';
import { UnusableDocument } from './unusable-document.js';

export interface ExtractedText {
  readonly text: string;
  /** The title that the format itself carries, where it does. */
  readonly title?: string | undefined;
}

/** Never content, wherever they stand. */
const droppedElements = new Set(
  `script style noscript template nav aside form button input select textarea dialog svg math canvas iframe object embed
  audio video map link meta`.split(/\s+/),
);
/** Site furniture, but part of the content inside `main` and `article`. */
const furnitureElements = new Set(['header', 'footer']);
/** Deeper nesting is no page that somebody wrote; the tree walks below recurse. */
const deepestNesting = 400;

/** @throws UnusableDocument `document_too_complex` for elements nested too deeply. */
export function extractHtml(source: string, html: string): ExtractedText {
  const page = parsePage(source, html);
  if (isDeeperThan(page, deepestNesting)) throw tooDeep(source);
  const title = titleOf(page);
  const content = mainContentOf(page);
  const isMain = content.type === 'element' && content.tagName !== 'body';
  const tree = toMdast(withoutFurniture(content, isMain), { document: true, handlers: plainHandlers });
  return {
    text: toMarkdown(tree, { extensions: [gfmToMarkdown()], bullet: '-' }),
    title,
  };
}

/** Links keep their words and images their description: what is quoted from a snapshot should read as prose. */
const plainHandlers = {
  a: (state: { all(parent: Element): MdastNodes[] }, element: Element) => state.all(element),
  img: (_state: unknown, element: Element) => {
    const { alt } = element.properties;
    return typeof alt === 'string' && alt.trim() !== '' ? ({ type: 'text', value: alt } as const) : undefined;
  },
};

function parsePage(source: string, html: string): Root {
  try {
    return fromHtml(html);
  } catch (thrown) {
    // The parser recurses too, so very deep nesting ends the stack before it can be measured.
    throw thrown instanceof RangeError ? tooDeep(source, thrown) : thrown;
  }
}

function tooDeep(source: string, cause?: unknown): UnusableDocument {
  const message = `${source} nests its elements more than ${deepestNesting} deep. Save it as plain text or Markdown.`;
  return new UnusableDocument('document_too_complex', message, { cause });
}

function isDeeperThan(page: Root, limit: number): boolean {
  const open: { node: Root | RootContent; depth: number }[] = [{ node: page, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    if (depth > limit) return true;
    if ('children' in node) for (const child of node.children) open.push({ node: child, depth: depth + 1 });
  }
  return false;
}

function titleOf(page: Root): string | undefined {
  let title: string | undefined;
  visit(page, 'element', (element) => {
    if (element.tagName !== 'title') return undefined;
    title = toString(element).replace(/\s+/g, ' ').trim();
    return EXIT;
  });
  return title === '' ? undefined : title;
}

/** The one `main`, else the one `article`, else the body. */
function mainContentOf(page: Root): Root | Element {
  for (const isContent of [isMainElement, (element: Element) => element.tagName === 'article']) {
    const found = elementsOf(page, isContent);
    if (found.length === 1 && found[0] !== undefined && hasText(found[0])) return found[0];
  }
  return elementsOf(page, (element) => element.tagName === 'body')[0] ?? page;
}

const isMainElement = (element: Element): boolean => element.tagName === 'main' || element.properties.role === 'main';
const hasText = (element: Element): boolean => toString(element).trim() !== '';

function elementsOf(page: Root, wanted: (element: Element) => boolean): Element[] {
  const found: Element[] = [];
  visit(page, 'element', (element) => {
    if (wanted(element)) found.push(element);
  });
  return found;
}

function withoutFurniture<Node extends Root | Element>(node: Node, insideContent: boolean): Node {
  const children = (node.children as RootContent[]).flatMap((child): RootContent[] => {
    if (child.type !== 'element') return child.type === 'comment' ? [] : [child];
    const inContent = insideContent || child.tagName === 'article' || isMainElement(child);
    return isDropped(child, insideContent) ? [] : [withoutFurniture(child, inContent)];
  });
  return { ...node, children };
}

function isDropped(element: Element, insideContent: boolean): boolean {
  const { hidden, ariaHidden } = element.properties;
  if (hidden === true || ariaHidden === 'true') return true;
  return droppedElements.has(element.tagName) || (!insideContent && furnitureElements.has(element.tagName));
}
