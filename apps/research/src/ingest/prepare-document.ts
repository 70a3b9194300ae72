/** From bytes to everything that is stored of a document: pure, and run on a worker thread. */
import { chunkText, chunkSize } from '../chunking/chunk-text.js';
import { markdownStructure } from '../chunking/markdown-structure.js';
import { plainStructure } from '../chunking/plain-structure.js';
import { decodeHtml, decodeText } from '../extraction/decode-text.js';
import {
  fileNameOf,
  formatOf,
  mediaTypes,
  type DocumentBytes,
  type DocumentFormat,
} from '../extraction/document-format.js';
import { extractHtml, type ExtractedText } from '../extraction/extract-html.js';
import { normaliseText } from '../extraction/normalise-text.js';
import { UnusableDocument } from '../extraction/unusable-document.js';
import { indexedTerms } from '../search/indexed-terms.js';

export interface PreparedChunk {
  /** Offsets in UTF-16 code units into the document's text. */
  readonly start: number;
  readonly end: number;
  readonly headings: readonly string[];
  /** Distinct index terms, and how often each occurs. */
  readonly terms: readonly string[];
  readonly frequencies: readonly number[];
  /** The sum of the frequencies. */
  readonly length: number;
}

export interface PreparedDocument {
  readonly mediaType: string;
  readonly title: string;
  /** The snapshot: what citations point into. */
  readonly text: string;
  readonly chunks: readonly PreparedChunk[];
}

const longestTitle = 300;

/** @throws UnusableDocument saying what is wrong with the document and what to do. */
export async function prepareDocument(document: DocumentBytes): Promise<PreparedDocument> {
  try {
    return await prepare(document);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    // The stack or a string's length is at its end.
    const message = `${document.source} is nested too deeply or too long to be read. Save it as plain text.`;
    throw new UnusableDocument('document_too_complex', message, { cause: thrown });
  }
}

async function prepare(document: DocumentBytes): Promise<PreparedDocument> {
  const format = formatOf(document);
  const extracted = await extract(document, format);
  const text = normaliseText(extracted.text);
  const isMarkdown = format === 'markdown' || format === 'html';
  const structure = isMarkdown ? markdownStructure(text, chunkSize.longest) : plainStructure(text);
  const chunks = chunkText(text, structure);
  if (chunks.length === 0) {
    const advice = format === 'pdf' ? ' If its pages are pictures, run text recognition on it first.' : '';
    throw new UnusableDocument('empty_document', `${document.source} holds no text.${advice}`);
  }
  const firstHeading = structure.blocks.find(({ heading }) => (heading?.text ?? '') !== '')?.heading?.text;
  const title = titleFrom(firstHeading ?? extracted.title ?? fileNameOf(document.source));
  return {
    mediaType: mediaTypes[format],
    title,
    text,
    chunks: chunks.map((chunk) => ({
      ...chunk,
      ...termsOfChunk(text.slice(chunk.start, chunk.end), title, chunk.headings),
    })),
  };
}

async function extract(document: DocumentBytes, format: DocumentFormat): Promise<ExtractedText> {
  switch (format) {
    case 'markdown':
    case 'text':
      return { text: decodeText(document) };
    case 'html':
      return extractHtml(document.source, decodeHtml(document));
    case 'pdf': {
      // Loaded on need: it is large, and most collections hold no PDF.
      const { extractPdf } = await import('../extraction/extract-pdf.js');
      return extractPdf(document.source, document.bytes);
    }
  }
}

const titleFrom = (title: string): string =>
  normaliseText(title).replace(/\s+/g, ' ').trim().slice(0, longestTitle).toWellFormed();

function termsOfChunk(text: string, title: string, headings: readonly string[]) {
  const counts = indexedTerms({ text, title, headings });
  const frequencies = [...counts.values()];
  return { terms: [...counts.keys()], frequencies, length: frequencies.reduce((sum, frequency) => sum + frequency, 0) };
}
