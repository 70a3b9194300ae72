/** Reads the documents of a folder for ingest, naming each file that cannot be used and why. */
import { invalidInput, MillraceError, notFound } from '@millrace/kernel';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

const supportedExtensions: ReadonlySet<string> = new Set(['.md', '.markdown', '.txt', '.html', '.htm', '.pdf']);

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

/** What of a folder can be read, and what below it cannot. Both sorted by path. */
export interface FolderListing {
  readonly documents: readonly DocumentFile[];
  readonly leftOut: readonly RejectedFile[];
}

export const rejected = (source: string, error: MillraceError): RejectedFile => ({
  source,
  code: error.code,
  message: error.message,
});

/**
 * The files below a folder that have a supported extension. Hidden folders, `node_modules` and symbolic links are
 * passed over, so that nothing outside the folder is read; a folder that cannot be opened or lies deeper than
 * 20 others is named among what was left out.
 *
 * @throws MillraceError `folder_not_found`, `not_a_folder`, `unreadable_folder`, `no_documents`, `too_many_documents`
 */
export async function listDocuments(folder: string): Promise<FolderListing> {
  const information = await stat(folder).catch(() => undefined);
  if (!information) throw notFound('folder_not_found', `The folder ${folder} does not exist.`);
  if (!information.isDirectory()) throw invalidInput('not_a_folder', `${folder} is not a folder.`);
  const documents: DocumentFile[] = [];
  const leftOut: RejectedFile[] = [];
  await collect(folder, 0, { root: folder, documents, leftOut });
  if (documents.length === 0) throw noDocuments(folder, leftOut);
  const bySource = (a: { source: string }, b: { source: string }) => (a.source < b.source ? -1 : 1);
  return { documents: documents.sort(bySource), leftOut: leftOut.sort(bySource) };
}

interface Collecting {
  readonly root: string;
  readonly documents: DocumentFile[];
  readonly leftOut: RejectedFile[];
}

async function collect(folder: string, depth: number, into: Collecting): Promise<void> {
  for (const entry of await entriesOf(folder, depth, into)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const passedOver = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (!passedOver) await collect(path, depth + 1, into);
    } else if (entry.isFile() && supportedExtensions.has(extname(entry.name).toLowerCase())) {
      if (into.documents.length === maximumFiles) throw tooMany(into.root);
      into.documents.push({ path, source: sourceOf(into.root, path) });
    }
  }
}

/** What a folder holds; of a folder below the root that cannot be read, nothing, with a remark. */
async function entriesOf(folder: string, depth: number, { root, leftOut }: Collecting): Promise<Dirent[]> {
  try {
    if (depth > maximumDepth) {
      throw invalidInput('folder_too_deep', `The folder lies more than ${maximumDepth} folders deep.`);
    }
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    const error = cause instanceof MillraceError ? cause : unreadable('unreadable_folder', 'The folder', cause);
    if (depth === 0) throw unreadable('unreadable_folder', `The folder ${root}`, cause);
    leftOut.push(rejected(sourceOf(root, folder), error));
    return [];
  }
}

const sourceOf = (root: string, path: string): string => relative(root, path).split(sep).join('/');

function noDocuments(folder: string, leftOut: readonly RejectedFile[]): MillraceError {
  const kinds = [...supportedExtensions].join(' ');
  return invalidInput(
    'no_documents',
    `The folder ${folder} holds no documents. Files with these endings are read: ${kinds}`,
    leftOut.map(({ source, message }) => ({ pointer: source, message })),
  );
}

const tooMany = (folder: string): MillraceError =>
  invalidInput('too_many_documents', `${folder} holds more than ${maximumFiles} documents; choose a smaller folder.`);

/**
 * The bytes of a document.
 * @throws MillraceError `document_too_large`, `unreadable_file`
 */
export async function readDocument(file: DocumentFile): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await stat(file.path).catch((cause: unknown) =>
    Promise.reject(unreadable('unreadable_file', file.source, cause)),
  );
  if (size > maximumBytes) {
    const mebibytes = (size / 1024 / 1024).toFixed(0);
    throw invalidInput(
      'document_too_large',
      `${file.source} has ${mebibytes} MiB; the limit is ${maximumBytes / 1024 / 1024} MiB.`,
    );
  }
  const content = await readFile(file.path).catch((cause: unknown) =>
    Promise.reject(unreadable('unreadable_file', file.source, cause)),
  );
  return new Uint8Array(content);
}

function unreadable(code: string, what: string, cause: unknown): MillraceError {
  const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
  return invalidInput(code, `${what} cannot be read (${reason}).`);
}
