/** From a PDF to plain text: the text layer of each page, its lines joined to paragraphs. Nothing in the file is executed. */
import { getDocumentProxy } from 'unpdf';
import type { ExtractedText } from './extract-html.js';
import { joinLines, type PageLine } from './join-lines.js';
import { UnusableDocument } from './unusable-document.js';

/** Pages beyond this are refused rather than left out: a citation must be able to reach every word. */
const mostPages = 2_000;

/** The part of pdf.js that is used here. */
interface PdfDocument {
  readonly numPages: number;
  getPage(pageNumber: number): Promise<{
    getTextContent(): Promise<{ items: readonly (TextItem | { readonly type: string })[] }>;
    cleanup(): void;
  }>;
  getMetadata(): Promise<{ info: object }>;
  readonly loadingTask: { destroy(): Promise<void> };
}

interface TextItem {
  readonly str: string;
  readonly hasEOL: boolean;
  readonly height: number;
  /** The transformation matrix; its last two numbers are x and y, in points from the lower left corner. */
  readonly transform: readonly number[];
}

/** @throws UnusableDocument `unreadable_pdf` for a broken or encrypted file, `document_too_complex` for too many pages. */
export async function extractPdf(source: string, bytes: Uint8Array): Promise<ExtractedText> {
  const pdf = await open(source, bytes);
  try {
    if (pdf.numPages > mostPages) {
      const message = `${source} has ${pdf.numPages} pages; at most ${mostPages} are taken. Split it.`;
      throw new UnusableDocument('document_too_complex', message);
    }
    const pages: string[] = [];
    for (let number = 1; number <= pdf.numPages; number += 1) pages.push(await pageText(pdf, number));
    return { text: pages.filter((page) => page !== '').join('\n\n'), title: await titleOf(pdf) };
  } catch (thrown) {
    throw thrown instanceof UnusableDocument ? thrown : broken(source, thrown);
  } finally {
    await pdf.loadingTask.destroy();
  }
}

async function open(source: string, bytes: Uint8Array): Promise<PdfDocument> {
  try {
    // pdf.js takes the buffer for itself, so it gets a copy. No fonts are loaded: only the text is wanted.
    return await getDocumentProxy(Uint8Array.from(bytes), { useSystemFonts: false, verbosity: 0, stopAtErrors: true });
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'PasswordException') {
      const message = `${source} is encrypted. Remove its password and add it again.`;
      throw new UnusableDocument('unreadable_pdf', message, { cause: thrown });
    }
    throw broken(source, thrown);
  }
}

function broken(source: string, cause: unknown): UnusableDocument {
  const message = `${source} is not a readable PDF: the file is damaged or cut off. Save it again, or leave it out.`;
  return new UnusableDocument('unreadable_pdf', message, { cause });
}

async function pageText(pdf: PdfDocument, number: number): Promise<string> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  return joinLines(linesOf(items.filter((item): item is TextItem => 'str' in item)));
}

/** Groups the pieces of text into lines, by the marks of pdf.js and by their height on the page. */
function linesOf(items: readonly TextItem[]): PageLine[] {
  const lines: { text: string; y: number; height: number }[] = [];
  let open = false;
  for (const { str, hasEOL, height, transform } of items) {
    const y = transform[5] ?? 0;
    const current = lines.at(-1);
    if (open && current !== undefined && Math.abs(current.y - y) <= Math.max(current.height, height) / 2) {
      current.text += str;
      current.height = Math.max(current.height, height);
    } else if (str !== '') {
      lines.push({ text: str, y, height });
    }
    open = !hasEOL && (open || str !== '');
  }
  return lines.filter(({ text }) => text.trim() !== '');
}

async function titleOf(pdf: PdfDocument): Promise<string | undefined> {
  const { info } = await pdf.getMetadata();
  const title: unknown = 'Title' in info ? info.Title : undefined;
  return typeof title === 'string' && title.trim() !== '' ? title.trim() : undefined;
}
