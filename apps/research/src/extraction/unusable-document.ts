/** Why a document cannot be used: the codes that callers may branch on. */
export type UnusableCode = 'unsupported_content' | 'unreadable_pdf' | 'empty_document' | 'document_too_complex';

/**
 * A document that cannot be taken as it is. Its message names the document and says what to do. A class of its own and
 * not the kernel's, because it is thrown on a worker thread, which loads nothing but what it needs.
 */
export class UnusableDocument extends Error {
  readonly code: UnusableCode;

  constructor(code: UnusableCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
