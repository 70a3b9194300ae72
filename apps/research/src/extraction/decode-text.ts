/** From bytes to characters. What is not text is refused here, so that no mojibake is ever indexed. */
import { fromHtml } from 'hast-util-from-html';
import { visit, EXIT } from 'unist-util-visit';
import { charsetOf, type DocumentBytes } from './document-format.js';
import { UnusableDocument } from './unusable-document.js';

/** Where browsers look for the encoding that a page declares of itself. */
const declarationWindow = 1024;

/**
 * The text of a Markdown or plain text document: UTF-8, or UTF-16 with a byte order mark.
 * @throws UnusableDocument `unsupported_content` for anything else.
 */
export function decodeText(document: DocumentBytes): string {
  return decode(document, byteOrderMark(document.bytes) ?? charsetOf(document.mediaType) ?? 'utf-8');
}

/**
 * The text of a page, by byte order mark, media type, its own declaration, else UTF-8, else Windows-1252 as browsers do.
 * @throws UnusableDocument `unsupported_content` for an unknown encoding or binary content.
 */
export function decodeHtml(document: DocumentBytes): string {
  const named = byteOrderMark(document.bytes) ?? charsetOf(document.mediaType) ?? declaredCharset(document.bytes);
  if (named !== undefined) return decode(document, named);
  try {
    return decode(document, 'utf-8');
  } catch {
    return decode(document, 'windows-1252');
  }
}

function decode(document: DocumentBytes, encoding: string): string {
  const decoder = decoderOf(document.source, encoding);
  let text: string;
  try {
    text = decoder.decode(document.bytes);
  } catch (cause) {
    throw notText(document.source, `its bytes are not valid ${encoding.toUpperCase()}`, cause);
  }
  if (text.includes('\0')) throw notText(document.source, 'it holds NUL characters');
  return text;
}

function decoderOf(source: string, encoding: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    throw notText(source, `its encoding ${JSON.stringify(encoding.slice(0, 40))} is unknown`, cause);
  }
}

function notText(source: string, reason: string, cause?: unknown): UnusableDocument {
  const advice = 'Convert it to UTF-8 text, or leave it out if it is no text.';
  return new UnusableDocument('unsupported_content', `${source} is not a text: ${reason}. ${advice}`, { cause });
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return undefined;
}

/** What `<meta charset>` or `<meta http-equiv="content-type">` says in the first KiB. */
function declaredCharset(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, declarationWindow));
  let declared: string | undefined;
  visit(fromHtml(head), 'element', (element) => {
    if (element.tagName !== 'meta') return undefined;
    const { charSet, httpEquiv, content } = element.properties;
    if (typeof charSet === 'string') declared = charSet;
    else if (isContentType(httpEquiv) && typeof content === 'string') declared = charsetOf(content);
    return declared === undefined ? undefined : EXIT;
  });
  // A page that says UTF-16 in single-byte letters cannot be UTF-16 (HTML standard, prescan).
  return declared?.toLowerCase().startsWith('utf-16') === true ? 'utf-8' : declared;
}

function isContentType(httpEquiv: unknown): boolean {
  const value: unknown = Array.isArray(httpEquiv) ? httpEquiv[0] : httpEquiv;
  return typeof value === 'string' && value.toLowerCase() === 'content-type';
}
