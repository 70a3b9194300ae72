/** An article as the checks read it: headings, paragraphs and sentences with the citation markers that they carry. */
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { toString } from 'mdast-util-to-string';
import { gfm } from 'micromark-extension-gfm';
import type { RootContent } from 'mdast';

export interface Sentence {
  /** The sentence without its markers. */
  readonly text: string;
  readonly words: readonly string[];
  readonly markers: readonly number[];
}

export interface Section {
  /** Empty for what stands before the first heading. */
  readonly heading: string;
  /** 0 for what stands before the first heading. */
  readonly depth: number;
  readonly paragraphs: readonly (readonly Sentence[])[];
}

export interface ArticleText {
  readonly sections: readonly Section[];
  readonly sentences: readonly Sentence[];
  readonly words: readonly string[];
}

const sentenceSegmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
const wordSegmenter = new Intl.Segmenter('en', { granularity: 'word' });
const marker = /\[(\d{1,4})\]/g;

/** Lower-case words of a text, in order, without punctuation. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const { segment, isWordLike } of wordSegmenter.segment(text)) if (isWordLike) words.push(segment.toLowerCase());
  return words;
}

/** Reads an article's Markdown. Code blocks and tables are not prose and are left out. */
export function readArticle(markdown: string): ArticleText {
  const root = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  const sections: { heading: string; depth: number; paragraphs: Sentence[][] }[] = [
    { heading: '', depth: 0, paragraphs: [] },
  ];
  for (const node of root.children) {
    if (node.type === 'heading') sections.push({ heading: toString(node), depth: node.depth, paragraphs: [] });
    else for (const prose of proseOf(node)) sections.at(-1)?.paragraphs.push(sentencesOf(prose));
  }
  const sentences = sections.flatMap((section) => section.paragraphs.flat());
  return { sections, sentences, words: sentences.flatMap((sentence) => sentence.words) };
}

/** The paragraphs inside a block, those of list items and quotes included. */
function proseOf(node: RootContent): string[] {
  if (node.type === 'paragraph') return [toString(node)];
  if (node.type === 'list' || node.type === 'listItem' || node.type === 'blockquote') {
    return node.children.flatMap((child) => proseOf(child));
  }
  return [];
}

/**
 * Splits a paragraph into sentences. Markers are taken out first, because a bracket behind a full stop confuses the
 * segmentation; each belongs to the sentence that its place ends or stands in.
 */
function sentencesOf(paragraph: string): Sentence[] {
  const placed: { readonly offset: number; readonly number: number }[] = [];
  let prose = '';
  let read = 0;
  for (const match of paragraph.matchAll(marker)) {
    prose += paragraph.slice(read, match.index);
    placed.push({ offset: prose.trimEnd().length, number: Number(match[1]) });
    read = match.index + match[0].length;
  }
  prose += paragraph.slice(read);

  const sentences: Sentence[] = [];
  let next = 0;
  for (const { segment, index } of sentenceSegmenter.segment(prose)) {
    const markers: number[] = [];
    for (; placed[next] && placed[next]!.offset <= index + segment.length; next += 1)
      markers.push(placed[next]!.number);
    const text = segment.replaceAll(/\s+/g, ' ').trim();
    if (text !== '') sentences.push({ text, words: wordsOf(text), markers });
  }
  return sentences;
}
