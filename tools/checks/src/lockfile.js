import { readFile } from 'node:fs/promises';

/** The lockfile must name packages, never the hosts they came from, so that it installs behind any registry. */
export async function checkLockfile() {
  const text = await readFile('package-lock.json', 'utf8');
  const hosts = text.match(/"resolved": "https?:[^"]*"/g) ?? [];
  return { ok: hosts.length === 0, output: hosts.join('\n') };
}
