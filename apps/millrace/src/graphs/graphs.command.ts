import { graphJsonSchema } from '@millrace/workflow';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { addAliasCommands } from './graph-aliases.command.js';
import { addImportCommand } from './import-graph.command.js';
import { readGraphSource } from './read-graph-file.js';
import { addValidateCommand } from './validate-graphs.command.js';

interface JsonFlag {
  readonly json?: boolean;
}

export function addGraphsCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  const graphs = program.command('graphs').description('Validates, imports, publishes and lists graphs.');

  addValidateCommand(graphs, terminal, setExitCode);
  addImportCommand(graphs, terminal);
  addAliasCommands(graphs, terminal);

  graphs
    .command('schema')
    .description('Prints the JSON Schema of graph documents, for editors.')
    .action(() => printJson(terminal, graphJsonSchema()));

  withConnection(graphs.command('publish'))
    .description('Publishes a graph document; the same document again gives the same version.')
    .argument('<file>', 'a graph document, YAML or JSON')
    .option('--json', 'print the version as JSON')
    .action(async (file: string, flags: ConnectionFlags & JsonFlag) => {
      const source = await readGraphSource(resolve(terminal.folder, file));
      const graph = await connect(flags, terminal).publishGraph(source);
      if (flags.json) await printJson(terminal, graph);
      else await write(terminal.out, `${graph.name}@${graph.version} ${graph.digest}\n`);
    });

  withConnection(graphs.command('list'))
    .description('Lists the newest version of each graph.')
    .option('--json', 'print the graphs as JSON')
    .action(async (flags: ConnectionFlags & JsonFlag) => {
      const { items } = await connect(flags, terminal).listGraphs({ limit: 200 });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ name, version, description }) => [`${name}@${version}`, description]);
      return printTable(terminal, ['graph', 'description'], rows, 'There are no graphs.');
    });
}
