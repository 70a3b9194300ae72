import type { Command } from 'commander';
import { resolve } from 'node:path';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { listDocuments } from '../documents/read-folder.js';
import { exitCodes } from '../exit-codes.js';
import { printJson } from '../terminal/print.js';
import { progressOn } from '../terminal/progress.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { ingestFolder, rejectedLines } from './ingest-folder.js';

interface IngestFlags extends ConnectionFlags {
  readonly collection: string;
  readonly json?: boolean;
}

export function addIngestCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  withConnection(program.command('ingest'))
    .description('Adds the documents of a folder to a collection.')
    .argument('<folder>', 'a folder with .md .txt .html .pdf files')
    .requiredOption('--collection <name>', 'the collection; it is created where it is new')
    .option('--json', 'print what became of each file as JSON')
    .action(async (folder: string, flags: IngestFlags) => {
      const client = connect(flags, terminal);
      const path = resolve(terminal.folder, folder);
      const listing = await listDocuments(path);
      const summary = await progressOn(terminal).phase(`Reading ${path}`, (report) =>
        ingestFolder(client, { collection: flags.collection, listing, report }),
      );
      if (flags.json) await printJson(terminal, summary);
      else {
        const lines = [...rejectedLines(summary), `${summary.accepted.length} documents are in ${flags.collection}.`];
        await write(terminal.out, `${lines.join('\n')}\n`);
      }
      if (summary.accepted.length === 0) setExitCode(exitCodes.failed);
    });
}
