import { readFile } from 'node:fs/promises';

/**
 * The lockfile must name packages, never the hosts they came from, so that it installs behind any registry; and it must hold every
 * package that another one names, for every platform, or `npm ci` refuses it. (`npm install` does not say so: it leaves out
 * optional packages that the registry lacked.)
 */
export async function checkLockfile() {
  const text = await readFile('package-lock.json', 'utf8');
  const hosts = text.match(/"resolved": "https?:[^"]*"/g) ?? [];
  const problems = [...hosts, ...missingPackages(JSON.parse(text).packages)];
  return { ok: problems.length === 0, output: problems.join('\n') };
}

/** @param {Record<string, { dependencies?: object, optionalDependencies?: object }>} packages by their place in the tree */
function missingPackages(packages) {
  return Object.entries(packages).flatMap(([place, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isFoundFrom(place, name, packages))
      .map((name) => `${place || 'package.json'} needs ${name}, which the lockfile does not hold`),
  );
}

/** Looks like Node: beside the package's own files, then in each folder above. */
function isFoundFrom(place, name, packages) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if ((folder === '' ? '' : `${folder}/`) + `node_modules/${name}` in packages) return true;
    if (folder === '') return false;
  }
}
