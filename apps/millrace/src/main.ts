import { runCommandLine } from './command-line.js';
import { processTerminal } from './terminal/terminal.js';

// A reader that left (`| head`) fails the write that meets it; without a listener it would end the process anywhere.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Everything is written by now; a handle that a library forgot must not keep the caller waiting.
process.exit(await runCommandLine(process.argv.slice(2), processTerminal()));
