/** The graphs that come with Millrace: every `.yaml` file of this project's `graphs` folder. */
import { readdir, readFile } from 'node:fs/promises';
import type { NewGraphVersion } from './graph.store.js';
import { newGraphVersion } from './new-graph-version.js';

/** Beside `src` and `dist`, so that it is found from both. */
const folder = new URL('../../graphs/', import.meta.url);

/** Reads and validates them. @throws Error naming the file and its mistakes: a shipped graph is never skipped. */
export async function readShippedGraphs(): Promise<NewGraphVersion[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  return await Promise.all(files.map(async (file) => graphOf(await readFile(new URL(file, folder), 'utf8'), file)));
}

async function graphOf(source: string, file: string): Promise<NewGraphVersion> {
  const graph = await newGraphVersion(source, () => Promise.resolve(undefined));
  if ('violations' in graph) throw new Error(`Shipped graph ${file} has mistakes: ${JSON.stringify(graph.violations)}`);
  return graph;
}
