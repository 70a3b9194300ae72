import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of a folder, not of those inside it, that end like this, by their names: a chart must hold all that it renders. */
export async function copiedDocuments(folder: string, ending: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
  return new Map(
    await Promise.all(
      names.map(async (name): Promise<[string, string]> => [name, await readFile(join(folder, name), 'utf8')]),
    ),
  );
}
