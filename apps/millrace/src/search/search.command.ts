import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { printable } from '../terminal/printable.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface SearchFlags extends ConnectionFlags {
  readonly collection: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function addSearchCommand(program: Command, terminal: Terminal): void {
  withConnection(program.command('search'))
    .description('Finds passages in a collection, best first.')
    .argument('<query>', 'what to look for')
    .requiredOption('--collection <name>', 'where to look')
    .option('--limit <count>', 'how many passages, 1 to 100', limitOf, 10)
    .option('--json', 'print passages and coverage as JSON')
    .action(async (query: string, flags: SearchFlags) => {
      const found = await connect(flags, terminal).searchCollection(flags.collection, { query, limit: flags.limit });
      if (flags.json) return printJson(terminal, found);
      const passages = found.passages.map(
        ({ source, start, end, score, text }) => `${source}:${start}-${end}  ${score.toFixed(2)}\n${indented(text)}\n`,
      );
      const coverage = `${Math.round(found.coverage * 100)} % of the query's informative words were found.`;
      return write(terminal.out, `${printable([...passages, coverage].join('\n'))}\n`);
    });
}

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');

function limitOf(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 100) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 100.');
  }
  return number;
}
