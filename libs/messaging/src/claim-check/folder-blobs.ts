import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobStore } from './blob-store.js';

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

const isOlder = (path: string, than: Date): Promise<boolean> =>
  stat(path).then(
    ({ mtime }) => mtime < than,
    () => false,
  );

/** Blobs as files in a folder, `<first two digits>/<sha256>`; written beside and renamed, so that none is ever half there. */
export class FolderBlobs implements BlobStore {
  constructor(private readonly folder: string) {}

  async put(sha256: string, content: Uint8Array): Promise<void> {
    const path = this.pathOf(sha256);
    if (await this.touch(path, content.byteLength)) return;
    await mkdir(join(this.folder, sha256.slice(0, 2)), { recursive: true });
    const unfinished = `${path}.${randomUUID()}`;
    try {
      await writeFile(unfinished, content, { flush: true });
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.pathOf(sha256));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /**
   * Removes what was last put before that time, unfinished writes included. Gives how many files went. What is put at the same moment
   * stays: a file is taken aside first, where nobody finds it, and put back if its time was begun anew before that.
   */
  async prune(before: Date): Promise<number> {
    let removed = 0;
    for (const entry of await this.files()) {
      const path = join(entry.parentPath, entry.name);
      if (!(await isOlder(path, before))) continue;
      const aside = `${path}.${randomUUID()}`;
      try {
        await rename(path, aside);
        if (await isOlder(aside, before)) {
          await rm(aside, { force: true });
          removed += 1;
        } else await rename(aside, path);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    return removed;
  }

  private async files() {
    try {
      const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile());
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Whether a whole file is there already; if so, its time begins anew. */
  private async touch(path: string, size: number): Promise<boolean> {
    try {
      if ((await stat(path)).size !== size) return false;
      const now = new Date();
      await utimes(path, now, now);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  private pathOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError('A blob is named by its SHA-256 in hexadecimal.');
    return join(this.folder, sha256.slice(0, 2), sha256);
  }
}
