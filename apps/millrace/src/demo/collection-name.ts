import { createHash } from 'node:crypto';
import { type FolderListing, readDocument } from '../documents/read-folder.js';

/**
 * A collection of these very documents: on a server that keeps its data, the same folder again finds what is there, and another
 * folder, or a changed one, does not mix with it.
 */
export async function collectionFor({ documents }: FolderListing): Promise<string> {
  const hash = createHash('sha256');
  for (const file of documents) {
    const content = await readDocument(file).catch(() => 'unreadable');
    hash.update(JSON.stringify([file.source, content.length])).update(content);
  }
  return `demo-${hash.digest('hex').slice(0, 16)}`;
}
