import { invalidInput, type JsonObject } from '@millrace/kernel';
import { parseGraphSource } from '@millrace/workflow';
import { readFile } from 'node:fs/promises';

/** The text of a graph file. @throws MillraceError `unreadable_file` */
export async function readGraphSource(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw invalidInput('unreadable_file', `${path} cannot be read.`);
  });
}

/** The document in a graph file. @throws MillraceError `unreadable_file`, `invalid_graph` */
export async function readGraphFile(path: string): Promise<JsonObject> {
  const parsed = parseGraphSource(await readGraphSource(path));
  if ('violations' in parsed) throw invalidInput('invalid_graph', `${path} is no graph document.`, parsed.violations);
  return parsed.document;
}
