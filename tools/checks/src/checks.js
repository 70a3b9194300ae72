/** The checks of `npm run verify`, in the order in which they run: the quickest first. */
import { checkLinks } from './links.js';
import { checkLockfile } from './lockfile.js';

const bin = (path) => `node_modules/${path}`;

const lint = (...paths) => [bin('eslint/bin/eslint.js'), ...paths, '--max-warnings', '0'];

/** @type {import('./run-checks.js').Check[]} */
export const checks = [
  { name: 'lockfile', run: checkLockfile },
  { name: 'links', run: checkLinks },
  { name: 'format', command: [bin('prettier/bin/prettier.cjs'), '--check', '.', '--log-level', 'warn'] },
  { name: 'types', command: [bin('tsgo/bin/tsc'), '-b'] },
  { name: 'contracts', command: ['tools/generators/dist/main.js', '--check'] },
  { name: 'unused', command: [bin('knip/bin/knip.js'), '--no-progress'] },
  // Without a cached project graph the rule on boundaries between projects passes everything over.
  { name: 'project graph', command: [bin('nx/dist/bin/nx.js'), 'show', 'projects'] },
  // In parts: the types of all projects together do not fit into the memory that Node takes by itself.
  ...['apps', 'libs', 'tools'].map((folder) => ({ name: `lint ${folder}`, command: lint(folder) })),
  {
    name: 'lint others',
    command: lint('.', '--ignore-pattern', 'apps', '--ignore-pattern', 'libs', '--ignore-pattern', 'tools'),
  },
];
