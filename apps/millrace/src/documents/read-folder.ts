/** Reads the documents of a folder for ingest, naming each file that cannot be used and why. */
import { invalidInput, type MillraceError, notFound, toMillraceError } from '@millrace/kernel';
import { opendir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

export const supportedExtensions: ReadonlySet<string> = new Set(['.md', '.markdown', '.txt', '.html', '.htm', '.pdf']);

/** The gateway's limit for one upload; a larger file is refused here, before it is read. */
const maximumBytes = 20 * 1024 * 1024;
const maximumFiles = 10_000;
const maximumDepth = 20;

export interface DocumentFile {
  readonly path: string;
  /** Relative to the folder, with forward slashes on every platform. */
  readonly source: string;
}

/** A file that was left out, and why. */
export interface RejectedFile {
  readonly source: string;
  readonly code: string;
  readonly message: string;
}

export const rejected = (source: string, error: MillraceError): RejectedFile => ({
  source,
  code: error.code,
  message: error.message,
});

/**
 * The files below a folder that have a supported extension, sorted by path. Hidden folders, `node_modules` and
 * symbolic links are passed over, so that nothing outside the folder is read.
 *
 * @throws MillraceError `folder_not_found`, `not_a_folder`, `no_documents`, `too_many_documents`
 */
export async function listDocuments(folder: string): Promise<DocumentFile[]> {
  const information = await stat(folder).catch(() => undefined);
  if (!information) throw notFound('folder_not_found', `The folder ${folder} does not exist.`);
  if (!information.isDirectory()) throw invalidInput('not_a_folder', `${folder} is not a folder.`);
  const files: DocumentFile[] = [];
  await collect(folder, folder, 0, files);
  if (files.length === 0) {
    const kinds = [...supportedExtensions].join(' ');
    throw invalidInput(
      'no_documents',
      `The folder ${folder} holds no documents. Files with these endings are read: ${kinds}`,
    );
  }
  return files.sort((a, b) => (a.source < b.source ? -1 : 1));
}

async function collect(root: string, folder: string, depth: number, files: DocumentFile[]): Promise<void> {
  if (depth > maximumDepth) return;
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const passedOver = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (!passedOver) await collect(root, path, depth + 1, files);
    } else if (entry.isFile() && supportedExtensions.has(extname(entry.name).toLowerCase())) {
      if (files.length === maximumFiles) {
        throw invalidInput(
          'too_many_documents',
          `${root} holds more than ${maximumFiles} documents; choose a smaller folder.`,
        );
      }
      files.push({ path, source: relative(root, path).split(sep).join('/') });
    }
  }
}

/**
 * The bytes of a document.
 * @throws MillraceError `document_too_large`, `unreadable_file`
 */
export async function readDocument(file: DocumentFile): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await stat(file.path).catch((cause: unknown) => Promise.reject(unreadable(file, cause)));
  if (size > maximumBytes) {
    const mebibytes = (size / 1024 / 1024).toFixed(0);
    throw invalidInput(
      'document_too_large',
      `${file.source} has ${mebibytes} MiB; the limit is ${maximumBytes / 1024 / 1024} MiB.`,
    );
  }
  const content = await readFile(file.path).catch((cause: unknown) => Promise.reject(unreadable(file, cause)));
  return new Uint8Array(content);
}

function unreadable(file: DocumentFile, cause: unknown): MillraceError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : toMillraceError(cause).code;
  return invalidInput('unreadable_file', `${file.source} cannot be read (${reason}).`);
}
