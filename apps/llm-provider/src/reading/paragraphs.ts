/**
 * What a reader of a Markdown text reads: its paragraphs as plain words, each code unit of them mapped back to where it
 * stands in the Markdown, so that a quote is an exact slice however the words are shown.
 */
import type { List, Paragraph, PhrasingContent, RootContent } from 'mdast';
import { offsetsOf, parseMarkdown } from './markdown.js';

export interface ReadableText {
  /** Words without Markdown syntax; code spans keep their backticks, line breaks are spaces. */
  readonly text: string;
  /** `text` with every code unit of a code span as X: same length, no punctuation that could end a sentence. */
  readonly masked: string;
  /** For each code unit of `text`, where it begins and ends in the Markdown (with the markup that opens or closes there). */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly literal: readonly boolean[];
}

export interface ReadableParagraph extends ReadableText {
  /** The nearest heading above it within this text, if there is one. */
  readonly heading: string | null;
  /** Which list of the text it is an item of, and null outside of lists. */
  readonly list: number | null;
  /** Its place among the blocks of the text: the paragraph right after another one has the next number. */
  readonly block: number;
}

/** What can be read in one run: the content of a paragraph, a heading or a table cell of `markdown`. */
export function readInline(markdown: string, nodes: readonly PhrasingContent[]): ReadableText {
  const { text, masked, starts, ends, literal } = new TextReader(markdown).read(nodes);
  return { text, masked, starts, ends, literal };
}

/** Reads paragraphs and list items in order. Headings, code blocks, tables, images and raw HTML are not prose and are left out. */
export function readParagraphs(markdown: string): ReadableParagraph[] {
  const reader = new ParagraphReader(markdown);
  reader.readBlocks(parseMarkdown(markdown + definitionsFor(markdown)).children, null);
  return reader.paragraphs;
}

/**
 * Definitions for the link references of a text that was cut out of its document (`[words][label]`, `[label]`), so that
 * their words are read as words. They stand behind the text and move no offset.
 */
function definitionsFor(markdown: string): string {
  const labels = new Set(
    [...markdown.matchAll(/\[([^![\]\n][^[\]\n]*\p{L}[^[\]\n]*)\]/gu)].map((match) => match[1] ?? ''),
  );
  return labels.size === 0 ? '' : `\n\n${[...labels].map((label) => `[${label}]: <#>\n`).join('\n')}`;
}

class ParagraphReader {
  readonly paragraphs: ReadableParagraph[] = [];
  private heading: string | null = null;
  private lists = 0;
  private blocks = 0;

  constructor(private readonly markdown: string) {}

  readBlocks(nodes: readonly RootContent[], list: number | null): void {
    for (const node of nodes) {
      this.blocks++;
      if (node.type === 'heading') {
        this.heading = readInline(this.markdown, node.children).text.trim() || null;
      } else if (node.type === 'paragraph') {
        this.readParagraph(node, list);
      } else if (node.type === 'blockquote') {
        this.readBlocks(node.children, list);
      } else if (node.type === 'list') {
        this.readList(node);
      }
    }
  }

  private readList(list: List): void {
    const index = this.lists++;
    for (const item of list.children) this.readBlocks(item.children, index);
  }

  private readParagraph(paragraph: Paragraph, list: number | null): void {
    const words = withoutAlert(readInline(this.markdown, paragraph.children));
    if (words.text.trim() === '') return;
    this.paragraphs.push({ ...words, heading: this.heading, list, block: this.blocks });
  }
}

/** Without the `[!NOTE]` that makes a quote an alert on GitHub. */
function withoutAlert(words: ReadableText): ReadableText {
  const { length } = /^\[!\w+\]\s*/.exec(words.text)?.[0] ?? '';
  if (length === 0) return words;
  const { text, masked, starts, ends, literal } = words;
  return {
    text: text.slice(length),
    masked: masked.slice(length),
    starts: starts.slice(length),
    ends: ends.slice(length),
    literal: literal.slice(length),
  };
}

/** Gathers the words of inline nodes. */
class TextReader {
  text = '';
  masked = '';
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly literal: boolean[] = [];

  constructor(private readonly markdown: string) {}

  read(nodes: readonly PhrasingContent[]): this {
    for (const node of nodes) this.readNode(node);
    return this;
  }

  private readNode(node: PhrasingContent): void {
    switch (node.type) {
      case 'text':
        this.appendText(node.value, offsetsOf(node));
        break;
      case 'inlineCode':
        this.appendCode(node.value, offsetsOf(node));
        break;
      case 'break':
        this.append(' ', ' ', offsetsOf(node), false);
        break;
      case 'emphasis':
      case 'strong':
      case 'delete':
      case 'link':
      case 'linkReference':
        this.readContainer(node.children, offsetsOf(node));
        break;
      case 'image':
      case 'imageReference':
      case 'html':
      case 'footnoteReference':
        break;
    }
  }

  /** The markup around its first and last code unit belongs to them, so that a slice never starts inside of it. */
  private readContainer(children: readonly PhrasingContent[], offsets: { start: number; end: number }): void {
    const first = this.text.length;
    this.read(children);
    if (this.text.length === first) return;
    this.starts[first] = offsets.start;
    this.ends[this.text.length - 1] = offsets.end;
  }

  /**
   * The parsed value is the source without escapes, entities and the prefixes of continued lines, in the same order:
   * each code unit is found at or after the place of the one before it.
   */
  private appendText(value: string, { start, end }: { start: number; end: number }): void {
    const verbatim = end - start === value.length;
    let at = start;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charAt(index);
      if (!verbatim) {
        const found = this.markdown.indexOf(unit, at);
        if (found !== -1 && found < end) at = found;
      }
      const shown = unit === '\n' ? ' ' : unit;
      this.append(shown, shown, { start: at, end: Math.min(at + 1, end) }, false);
      at = Math.min(at + 1, end - 1);
    }
  }

  private appendCode(value: string, { start, end }: { start: number; end: number }): void {
    const fence = fenceFor(value);
    const padding = value.startsWith('`') || value.endsWith('`') ? ' ' : '';
    const shown = `${fence}${padding}${value.replaceAll('\n', ' ')}${padding}${fence}`;
    for (let index = 0; index < shown.length; index++) this.append(shown.charAt(index), 'X', { start, end }, true);
  }

  private append(shown: string, masked: string, offsets: { start: number; end: number }, literal: boolean): void {
    this.text += shown;
    this.masked += masked;
    this.starts.push(offsets.start);
    this.ends.push(offsets.end);
    this.literal.push(literal);
  }
}

/** More backticks in a row than the code holds. */
function fenceFor(code: string): string {
  const longest = Math.max(0, ...(code.match(/`+/g) ?? []).map((run) => run.length));
  return '`'.repeat(longest + 1);
}
