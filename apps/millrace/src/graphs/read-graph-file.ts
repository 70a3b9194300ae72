import type { GraphSource } from '@millrace/client';
import { invalidInput, type JsonObject } from '@millrace/kernel';
import { readGraph } from '@millrace/workflow';
import { readFile } from 'node:fs/promises';

/** The text of a graph file. @throws MillraceError `unreadable_file` */
export async function readGraphSource(path: string): Promise<GraphSource> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw invalidInput('unreadable_file', `${path} cannot be read (${reason}).`);
  });
  return { text, format: path.endsWith('.json') ? 'json' : 'yaml' };
}

/** The document in a graph file. @throws MillraceError `unreadable_file`, `invalid_graph` */
export async function readGraphFile(path: string): Promise<JsonObject> {
  const read = readGraph((await readGraphSource(path)).text);
  if ('violations' in read) throw invalidInput('invalid_graph', `${path} is no valid graph.`, read.violations);
  return read.document;
}
