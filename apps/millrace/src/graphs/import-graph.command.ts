import { nameSchema } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { importConversation, writeGraphSource } from '@millrace/workflow';
import { type Command, InvalidArgumentError } from 'commander';
import { basename, extname, resolve } from 'node:path';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { readGraphSource } from './read-graph-file.js';

interface ImportFlags {
  readonly name?: string;
  readonly json?: boolean;
}

export function addImportCommand(graphs: Command, terminal: Terminal): void {
  graphs
    .command('import')
    .description('Prints the graph document for a conversation graph in the form of the Arklex framework.')
    .argument('<file>', 'JSON: {nodes: [[id, {resource, attribute}]], edges: [[from, to, {intent, attribute}]]}')
    .option('--name <name>', 'what the graph is called; the name of the file by default', checkedName)
    .option('--json', 'print JSON in place of YAML')
    .addHelpText('after', '\nWhat a graph cannot say is left out, and told on standard error.')
    .action(async (file: string, { name, json }: ImportFlags) => {
      const { text } = await readGraphSource(resolve(terminal.folder, file));
      const result = importConversation(parsed(text, file), name ?? nameOf(file));
      if ('violations' in result)
        throw invalidInput('invalid_conversation', `${file} is no conversation graph.`, result.violations);
      await write(terminal.error, result.warnings.map((warning) => `${warning}\n`).join(''));
      if (json) await printJson(terminal, result.document);
      else await write(terminal.out, writeGraphSource(result.document));
    });
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalidInput('invalid_conversation', `${file} is no JSON.`);
  }
}

const nameOf = (file: string): string =>
  basename(file, extname(file))
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[-_]+|-+$/g, '')
    .slice(0, 60) || 'conversation';

function checkedName(text: string): string {
  if (nameSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('It must be 1 to 63 lower-case letters, digits, dashes or underscores.');
}
