/** Prints excerpts as Markdown: grouped by source in the order of their place there, every sentence with its marker. */
import type { Citation } from '@millrace/contracts';
import type { Excerpt } from './excerpts.js';

const longestParagraph = 5;

/** Citations in the order of their first use: one per excerpt, its quote the exact slice of the snapshot. */
export class CitationList {
  private readonly citations: Citation[] = [];

  get all(): readonly Citation[] {
    return this.citations;
  }

  /** The number to cite the excerpt by. */
  cite(excerpt: Excerpt): number {
    const { passage } = excerpt.paragraph;
    const start = excerpt.sentences[0]?.start ?? passage.start;
    const end = excerpt.sentences.at(-1)?.end ?? start;
    const { documentId, snapshotSha256, source } = passage;
    const marker = this.citations.length + 1;
    const quote = passage.text.slice(start - passage.start, end - passage.start);
    this.citations.push({ marker, documentId, snapshotSha256, source, start, end, quote });
    return marker;
  }
}

/** One paragraph of Markdown for each group of excerpts that belong together. */
export function writeParagraphs(excerpts: readonly Excerpt[], citations: CitationList): string[] {
  return groupExcerpts(excerpts).map((group) =>
    group
      .map((excerpt) => {
        const marker = citations.cite(excerpt);
        return excerpt.sentences.map(({ markdown }) => withMarker(markdown, marker)).join(' ');
      })
      .join(' '),
  );
}

/** Excerpts of one document stand together in its order; documents in the order of their best excerpt. */
function groupExcerpts(excerpts: readonly Excerpt[]): Excerpt[][] {
  const documents = new Map<string, Excerpt[]>();
  for (const excerpt of excerpts) {
    const key = excerpt.paragraph.passage.documentId;
    documents.set(key, [...(documents.get(key) ?? []), excerpt]);
  }
  const groups = [...documents.values()].flatMap((group) => {
    const placed = group.toSorted((left, right) => (left.sentences[0]?.start ?? 0) - (right.sentences[0]?.start ?? 0));
    return splitLong(placed);
  });
  return joinLone(groups);
}

/** A sentence alone is no paragraph: it joins the one before it where there is room. */
function joinLone(groups: readonly Excerpt[][]): Excerpt[][] {
  return groups.reduce<Excerpt[][]>((joined, group) => {
    const before = joined.at(-1);
    const lone = sentencesIn(group) === 1 || (before !== undefined && sentencesIn(before) === 1);
    if (!before || !lone || sentencesIn(before) + sentencesIn(group) > longestParagraph) return [...joined, group];
    return [...joined.slice(0, -1), [...before, ...group]];
  }, []);
}

const sentencesIn = (group: readonly Excerpt[]): number =>
  group.reduce((sum, { sentences }) => sum + sentences.length, 0);

function splitLong(excerpts: readonly Excerpt[]): Excerpt[][] {
  const groups: Excerpt[][] = [];
  let length = Infinity;
  for (const excerpt of excerpts) {
    if (length + excerpt.sentences.length > longestParagraph) {
      groups.push([]);
      length = 0;
    }
    groups.at(-1)?.push(excerpt);
    length += excerpt.sentences.length;
  }
  return groups;
}

/** The marker goes before the closing punctuation, so that it belongs to its sentence. */
function withMarker(sentence: string, marker: number): string {
  const closing = /[.!。！]+(["'”’»)\]]*)$/.exec(sentence);
  if (!closing || closing[1] !== '') return `${sentence} [${marker}]`;
  return `${sentence.slice(0, closing.index)} [${marker}]${closing[0]}`;
}
