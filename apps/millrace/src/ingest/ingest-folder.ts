/** Reads the documents of a folder into a collection; a bad file is named and does not hurt the good ones beside it. */
import type { MillraceClient } from '@millrace/client';
import { toMillraceError } from '@millrace/kernel';
import { type FolderListing, readDocument, rejected, type RejectedFile } from '../documents/read-folder.js';
import { printableLine } from '../terminal/printable.js';
import type { Report } from '../terminal/progress.js';

export interface IngestSummary {
  readonly accepted: readonly { readonly source: string; readonly outcome: string; readonly chunks: number }[];
  readonly rejected: readonly RejectedFile[];
}

/** Errors that are about one file; anything else (no connection, no permission) ends the whole ingest. */
const fileKinds: ReadonlySet<string> = new Set(['invalid', 'unsupported', 'too-large']);

export async function ingestFolder(
  client: MillraceClient,
  options: {
    readonly collection: string;
    readonly listing: FolderListing;
    readonly report: Report;
    readonly signal?: AbortSignal;
  },
): Promise<IngestSummary> {
  const { collection, signal } = options;
  const { documents: files, leftOut } = options.listing;
  await client.createCollection({ name: collection }, { signal });
  const accepted: { source: string; outcome: string; chunks: number }[] = [];
  const left: RejectedFile[] = [...leftOut];
  for (const [index, file] of files.entries()) {
    options.report(`${index + 1}/${files.length} ${file.source}`);
    try {
      const content = await readDocument(file);
      const [uploaded] = await client.uploadDocuments(collection, [{ source: file.source, content }], { signal });
      const { outcome = 'failed', document } = uploaded ?? {};
      accepted.push({ source: file.source, outcome, chunks: document?.chunks ?? 0 });
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (!fileKinds.has(error.kind)) throw error;
      left.push(rejected(file.source, error));
    }
  }
  return { accepted, rejected: left };
}

/** One line for each file that was left out. */
export const rejectedLines = ({ rejected: files }: IngestSummary): string[] =>
  files.map(({ source, message, code }) => printableLine(`left out ${source}: ${message} (${code})`));
