import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface JsonFlag {
  readonly json?: boolean;
}

export function addAliasCommands(graphs: Command, terminal: Terminal): void {
  withConnection(graphs.command('alias'))
    .description('Makes an alias mean a version of a graph: runs start as NAME@ALIAS.')
    .argument('<graph>', 'the name of a graph')
    .argument('<alias>', 'e.g. live')
    .argument('<version>', 'the version that it means from now on', versionOf)
    .option('--json', 'print the alias as JSON')
    .action(async (graph: string, alias: string, version: number, flags: ConnectionFlags & JsonFlag) => {
      const set = await connect(flags, terminal).setGraphAlias(graph, alias, { version });
      if (flags.json) await printJson(terminal, set);
      else await write(terminal.out, `${set.graph}@${set.alias} is ${set.graph}@${set.version}\n`);
    });

  withConnection(graphs.command('aliases'))
    .description('Lists what aliases of a graph mean.')
    .argument('<graph>', 'the name of a graph')
    .option('--json', 'print the aliases as JSON')
    .action(async (graph: string, flags: ConnectionFlags & JsonFlag) => {
      const { items } = await connect(flags, terminal).listGraphAliases(graph);
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ alias, version, updatedAt }) => [`${graph}@${alias}`, String(version), updatedAt]);
      return printTable(terminal, ['alias', 'version', 'since'], rows, `The graph ${graph} has no aliases.`);
    });

  withConnection(graphs.command('unalias'))
    .description('Forgets an alias; the version that it meant stays.')
    .argument('<graph>', 'the name of a graph')
    .argument('<alias>', 'e.g. live')
    .action(async (graph: string, alias: string, flags: ConnectionFlags) => {
      await connect(flags, terminal).deleteGraphAlias(graph, alias);
      await write(terminal.out, `${graph}@${alias} is forgotten\n`);
    });
}

function versionOf(text: string): number {
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}
