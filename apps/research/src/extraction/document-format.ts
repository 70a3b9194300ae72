/** Which format a document has: by what it begins with, then by its media type, then by its file name. */
import { MIMEType } from 'node:util';
import { UnusableDocument } from './unusable-document.js';

export type DocumentFormat = 'markdown' | 'text' | 'html' | 'pdf';

export const mediaTypes: Readonly<Record<DocumentFormat, string>> = {
  markdown: 'text/markdown',
  text: 'text/plain',
  html: 'text/html',
  pdf: 'application/pdf',
};

const formatOfMediaType: Readonly<Record<string, DocumentFormat>> = {
  'text/markdown': 'markdown',
  'text/x-markdown': 'markdown',
  'text/plain': 'text',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/pdf': 'pdf',
};
const formatOfExtension: Readonly<Record<string, DocumentFormat>> = {
  md: 'markdown',
  markdown: 'markdown',
  txt: 'text',
  text: 'text',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  pdf: 'pdf',
};
/** Media types that senders use when they do not know. */
const unspecificMediaTypes = new Set(['application/octet-stream', 'binary/octet-stream']);
/** PDF readers accept a header that begins within the first KiB. */
const pdfHeaderWindow = 1024;

export interface DocumentBytes {
  /** The path or address that the document came from; messages name it. */
  readonly source: string;
  readonly mediaType?: string | undefined;
  readonly bytes: Uint8Array;
}

/** @throws UnusableDocument `unsupported_content` for any other format. */
export function formatOf(document: DocumentBytes): DocumentFormat {
  if (beginsAsPdf(document.bytes)) return 'pdf';
  const mediaType = essenceOf(document.mediaType);
  if (mediaType !== undefined && !unspecificMediaTypes.has(mediaType)) {
    const format = formatOfMediaType[mediaType];
    // A sender that says text/plain for README.md means a text; what kind of text its name knows better.
    if (format !== undefined) return format === 'text' ? (formatByName(document.source) ?? 'text') : format;
    throw unsupported(document.source, `its media type is ${mediaType}`);
  }
  const extension = extensionOf(document.source);
  const format = formatByName(document.source);
  if (format !== undefined) return format;
  if (extension !== undefined) throw unsupported(document.source, `its name ends in .${extension}`);
  return beginsAsHtml(document.bytes) ? 'html' : 'text';
}

/** The charset parameter of a media type, where there is one. */
export function charsetOf(mediaType: string | undefined): string | undefined {
  return parseMediaType(mediaType)?.params.get('charset') ?? undefined;
}

function unsupported(source: string, reason: string): UnusableDocument {
  return new UnusableDocument(
    'unsupported_content',
    `${source} cannot be read: ${reason}. Supported are Markdown (.md), plain text (.txt), HTML (.html) and PDF (.pdf).`,
  );
}

function parseMediaType(mediaType: string | undefined): MIMEType | undefined {
  try {
    return mediaType === undefined ? undefined : new MIMEType(mediaType);
  } catch {
    return undefined;
  }
}

const essenceOf = (mediaType: string | undefined): string | undefined => parseMediaType(mediaType)?.essence;

function formatByName(source: string): DocumentFormat | undefined {
  const extension = extensionOf(source);
  return extension === undefined ? undefined : formatOfExtension[extension];
}

function extensionOf(source: string): string | undefined {
  const name = fileNameOf(source);
  const dot = name.lastIndexOf('.');
  return dot <= 0 || dot === name.length - 1 ? undefined : name.slice(dot + 1).toLowerCase();
}

/** The last part of a path or an address, without query and fragment. */
export function fileNameOf(source: string): string {
  const path = URL.canParse(source) ? new URL(source).pathname : source;
  return path.split(/[/\\]/).findLast((part) => part !== '') ?? source;
}

function beginsAsPdf(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, pdfHeaderWindow)).includes('%PDF-');
}

function beginsAsHtml(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 512)).toString('latin1');
  const start = head.trimStart().toLowerCase();
  return start.startsWith('<!doctype html') || start.startsWith('<html');
}
