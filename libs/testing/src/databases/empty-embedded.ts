/** An empty PGlite to begin from. Making one takes seconds, loading its dump half a second, so the dump is kept per version. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { openEmbedded } from '@millrace/database';
import { newId } from '@millrace/kernel';

let snapshot: Promise<Blob> | undefined;

export function emptyEmbeddedSnapshot(): Promise<Blob> {
  return (snapshot ??= readOrMake());
}

async function readOrMake(): Promise<Blob> {
  const folder = join(tmpdir(), `millrace-test-pglite-of-${userInfo().username}`);
  const file = join(folder, `${pgliteVersion()}.tar.gz`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.getuid !== undefined && (await stat(folder)).uid !== process.getuid()) return makeSnapshot();
  if (existsSync(file)) return new Blob([await readFile(file)]);
  const made = await makeSnapshot();
  const part = join(folder, newId('part'));
  await writeFile(part, Buffer.from(await made.arrayBuffer()));
  await rename(part, file);
  return made;
}

async function makeSnapshot(): Promise<Blob> {
  await using backend = await openEmbedded();
  return backend.dump();
}

/** The package does not export its package.json, so it is looked for above its entry point. */
function pgliteVersion(): string {
  const require = createRequire(import.meta.url);
  let folder = dirname(require.resolve('@electric-sql/pglite'));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
