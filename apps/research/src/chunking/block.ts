/**
 * A piece of a text that is best kept whole: offsets in UTF-16 code units. `flow` says where it may be split if it must:
 * prose between sentences, code and tables between lines.
 */
export interface Block {
  readonly start: number;
  readonly end: number;
  readonly flow: 'prose' | 'lines';
  /** Present for a heading: its rank (1 to 6) and its plain text. */
  readonly heading?: { readonly rank: number; readonly text: string };
}

/** What the structure of a text is, before it is cut into chunks. */
export interface TextStructure {
  /** In order and disjoint; between them there may be markup, which the chunker keeps. */
  readonly blocks: readonly Block[];
  /** Where the content begins: after front matter. */
  readonly contentStart: number;
}
