/** The evidence as sentences that an article can be made of, each with its exact place in its snapshot. */
import type { Passage } from '@millrace/contracts';
import { readParagraphs } from '../reading/paragraphs.js';
import { sentencesOf } from '../reading/sentences.js';
import { termsOf } from '../reading/terms.js';
import { isHousehold } from './headings.js';
import { qualityOf } from './sentence-quality.js';

export interface SourceSentence {
  readonly text: string;
  readonly markdown: string;
  /** Offsets into the snapshot. */
  readonly start: number;
  readonly end: number;
  readonly terms: readonly string[];
  readonly weight: number;
  readonly refersBack: boolean;
}

export interface SourceParagraph {
  readonly passage: Passage;
  /** Headings above it, outermost first, the passage's own included. */
  readonly headings: readonly string[];
  readonly fromList: boolean;
  readonly sentences: readonly SourceSentence[];
}

/**
 * Reads the passages' prose in their order. A passage that was found twice is read once; a sentence that several
 * documents share word for word counts where it comes first.
 */
export function readSources(evidence: readonly Passage[]): SourceParagraph[] {
  const seenPassages = new Set<string>();
  const seenSentences = new Set<string>();
  return evidence.flatMap((passage) => {
    const key = `${passage.documentId} ${passage.start} ${passage.end}`;
    if (seenPassages.has(key)) return [];
    seenPassages.add(key);
    return readPassage(passage, seenSentences);
  });
}

function readPassage(passage: Passage, seen: Set<string>): SourceParagraph[] {
  const firstTextOf = passage.text.search(/\S/);
  if (firstTextOf === -1 || passage.headings.some(isHousehold)) return [];
  return readParagraphs(passage.text).flatMap((paragraph) => {
    const headings = withHeading(passage.headings, paragraph.heading);
    if (headings.some(isHousehold)) return [];
    const fromList = paragraph.list !== null;
    const sentences = sentencesOf(paragraph).map((sentence): SourceSentence => {
      const terms = termsOf(sentence.text);
      const fingerprint = terms.join(' ');
      const { weight, refersBack } = qualityOf(sentence.text, fromList);
      const repeated = seen.has(fingerprint);
      seen.add(fingerprint);
      return {
        text: sentence.text,
        markdown: withoutReferences(sentence.markdown),
        start: passage.start + sentence.start,
        end: passage.start + sentence.end,
        terms,
        weight: repeated ? 0 : weight,
        refersBack,
      };
    });
    return [{ passage, headings, fromList, sentences }];
  });
}

function withHeading(headings: readonly string[], own: string | null): readonly string[] {
  return own === null || headings.at(-1) === own ? headings : [...headings, own];
}

/** Drops a source's own reference numbers (`[12]`, escaped here): in the article they would name something else. */
const withoutReferences = (markdown: string): string => markdown.replace(/\s?\\\[(?:\d+|citation needed)\\\]/gi, '');
