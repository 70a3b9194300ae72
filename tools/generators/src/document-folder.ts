import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

/** How the folder differs from the documents: paths to write and paths to remove, in order. */
export interface Difference {
  readonly outdated: readonly string[];
  readonly stale: readonly string[];
}

export async function differenceTo(folder: string, documents: ReadonlyMap<string, string>): Promise<Difference> {
  const present = await filesIn(folder);
  const outdated: string[] = [];
  for (const [path, text] of documents) {
    const current = await readFile(join(folder, path), 'utf8').catch(() => undefined);
    if (current !== text) outdated.push(path);
  }
  return { outdated: outdated.sort(), stale: [...present].filter((path) => !documents.has(path)).sort() };
}

/** Makes the folder hold exactly the documents, and says what it changed. */
export async function writeDocuments(folder: string, documents: ReadonlyMap<string, string>): Promise<Difference> {
  const difference = await differenceTo(folder, documents);
  for (const path of difference.outdated) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), documents.get(path) ?? '');
  }
  for (const path of difference.stale) await rm(join(folder, path));
  return difference;
}

/** Files that belong to the folder or to nothing. Pages are left out, because a person may keep some there (a README). */
async function filesIn(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.md'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return new Set(paths);
}
