import { rerankRequestSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { printable } from '../terminal/printable.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { checked, readJsonFile } from './read-json-file.js';

interface RerankFlags extends ConnectionFlags {
  readonly model: string;
  readonly file?: string;
  readonly top?: number;
  readonly json?: boolean;
}

const textsSchema = z.array(z.string());

export function addRerankCommand(program: Command, terminal: Terminal): void {
  withConnection(program.command('rerank'))
    .description('Orders texts by what they say on a query, the best first.')
    .argument('<query>', 'what is looked for')
    .argument('[texts...]', 'the texts')
    .requiredOption('--model <name>', 'a model that ranks: PROVIDER/MODEL')
    .option('--file <path>', 'the texts, as a JSON file with an array of them')
    .option('--top <count>', 'how many of the best, 1 to 1000 (default: all)', countOf)
    .option('--json', 'print indexes, scores and usage as JSON')
    .action(async (query: string, words: string[], { model, file, top, json, ...flags }: RerankFlags) => {
      if ((file !== undefined) === words.length > 0) {
        throw invalidInput('invalid_input', 'Name the texts behind the query, or a --file with them.');
      }
      const texts = file === undefined ? words : await readJsonFile(file, textsSchema, terminal.folder);
      const request = { model, query, texts, ...(top !== undefined && { top }) };
      const checkedRequest = checked(request, rerankRequestSchema, 'These texts cannot be ordered.');
      const ranking = await connect(flags, terminal).models.rerank(checkedRequest);
      if (json) return printJson(terminal, ranking);
      const lines = ranking.items.map(({ index, score }) => `${score.toFixed(4)}  [${index}] ${texts[index] ?? ''}`);
      return write(terminal.out, `${printable(lines.join('\n'))}\n`);
    });
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/.test(text) && count >= 1 && count <= 1_000) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}
