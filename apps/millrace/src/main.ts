import { nodeProblem } from './node-version.js';

const problem = nodeProblem(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(1);
}
// Loaded only now: an old Node fails while it reads them.
const { runCommandLine } = await import('./command-line.js');
const { processTerminal } = await import('./terminal/terminal.js');
// Everything is written by then; a handle that a library forgot must not keep the caller waiting.
process.exit(await runCommandLine(process.argv.slice(2), processTerminal()));
