import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal/terminal.js';

// Everything is written by now; a handle that a library forgot must not keep the caller waiting.
process.exit(await runCommandLine(process.argv.slice(2), processTerminal()));
