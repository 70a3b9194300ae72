/** The checks of `npm run check:deploy`. */
import { checkTool } from './tools.js';

/** @type {import('../run-checks.js').Check[]} */
export const checks = [
  { name: 'helm', run: () => checkTool('helm', ['version', '--short']) },
  { name: 'kubectl-validate', run: () => checkTool('kubectl-validate', ['--help']) },
  { name: 'promtool', run: () => checkTool('promtool', ['--version']) },
];
