/**
 * Lays out what one service needs to run: `node assemble.js SERVICE BUILT`, in the folder that holds its installed packages. Follows the
 * dependencies between the projects of this workspace (not those for development), takes their `files` (compiled code, and what it reads)
 * from BUILT, and removes every other project, which npm has linked.
 */
import { cpSync, existsSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';

const [service, built] = process.argv.slice(2);
const scope = 'node_modules/@millrace';
/** Types and maps serve whoever writes code, not whoever runs it. */
const runs = (path) => !/\.(map|d\.ts|tsbuildinfo)$/.test(path);

/** @returns {string} the folder of a project, relative to the workspace, as npm has linked it */
const folderOf = (name) => relative(process.cwd(), realpathSync(join(scope, name)));

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

function reach(name, reached = new Set()) {
  if (reached.has(name)) return reached;
  reached.add(name);
  const { dependencies = {} } = manifestOf(folderOf(name));
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@millrace/')) reach(dependency.slice('@millrace/'.length), reached);
  }
  return reached;
}

const needed = reach(service);
const folders = new Set([...needed].map(folderOf));
for (const folder of folders) {
  const { files = ['dist'] } = manifestOf(folder);
  for (const path of files) cpSync(join(built, folder, path), join(folder, path), { recursive: true, filter: runs });
}
for (const name of readdirSync(scope)) if (!needed.has(name)) rmSync(join(scope, name));
for (const group of ['apps', 'libs'].filter((name) => existsSync(name))) {
  for (const name of readdirSync(group)) {
    if (!folders.has(join(group, name))) rmSync(join(group, name), { recursive: true });
  }
}
rmSync('tools', { recursive: true, force: true });
symlinkSync(join(folderOf(service), 'dist/main.js'), 'main.js');
