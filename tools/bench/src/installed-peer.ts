import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const sources = fileURLToPath(new URL('../peers/', import.meta.url));

/** The folder of a peer's program with its packages, in the cache of this user. */
export async function installedPeer(name: string, report: (text: string) => void): Promise<string> {
  const manifest = await readFile(join(sources, name, 'package.json'));
  const digest = createHash('sha256').update(manifest).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'millrace', 'bench-peers', `${name}-${digest}`);
  await mkdir(folder, { recursive: true });
  await cp(join(sources, name), folder, { recursive: true });
  await cp(join(sources, 'protocol.js'), join(folder, 'protocol.js'));
  if (await isFile(join(folder, 'installed'))) return folder;
  report(`Installing ${name}`);
  const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', flags, { cwd: folder });
  await cp(join(folder, 'package.json'), join(folder, 'installed'));
  return folder;
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
