import type { Thread } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import type { Command } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { objectOption } from '../json-option.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface Flags extends ConnectionFlags {
  readonly json?: boolean;
}

interface PatchFlags extends Flags {
  readonly ifVersion: string;
}

const threadArgument = ['<id>', 'the id of the thread, as `run --thread` names it'] as const;

export function addThreadsCommand(program: Command, terminal: Terminal): void {
  const threads = program
    .command('threads')
    .description('Threads: runs that come one after the other, and what they remember.');

  withConnection(threads.command('list'))
    .description('Lists threads, newest first.')
    .option('--json', 'print the threads as JSON')
    .action(async (flags: Flags) => {
      const { items } = await connect(flags, terminal).threads.list({ limit: 200 });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ id, version, run, queued }) => [id, String(version), run ?? '-', String(queued)]);
      return printTable(terminal, ['id', 'version', 'run', 'queued'], rows, 'There are no threads.');
    });

  withConnection(threads.command('show'))
    .description('Shows which run is under way in a thread, and how many wait.')
    .argument(...threadArgument)
    .option('--json', 'print the thread as JSON')
    .action(async (id: string, flags: Flags) => {
      const thread = await connect(flags, terminal).threads.get(id);
      return flags.json ? printJson(terminal, thread) : write(terminal.out, `${inWords(thread)}\n`);
    });

  withConnection(threads.command('state'))
    .description('Prints what a thread remembers.')
    .argument(...threadArgument)
    .option('--json', 'print its version too')
    .action(async (id: string, flags: Flags) => {
      const state = await connect(flags, terminal).threads.state(id);
      return printJson(terminal, flags.json ? state : state.state);
    });

  withConnection(threads.command('patch'))
    .description('Merges into what a thread remembers (JSON Merge Patch: null removes a field).')
    .argument(...threadArgument)
    .argument('<patch>', 'a JSON object')
    .requiredOption(
      '--if-version <number>',
      'the version that you know: it is refused where that is not the newest; 0 begins a thread, `any` takes any',
    )
    .option('--json', 'print the state with its version')
    .action(async (id: string, text: string, { ifVersion, ...flags }: PatchFlags) => {
      const patch = objectOption('the patch', text, '{"language": "de", "draft": null}');
      const state = await connect(flags, terminal).threads.patch(id, patch, versionOf(ifVersion));
      return flags.json
        ? printJson(terminal, state)
        : write(terminal.out, `${id} is of version ${state.version} now.\n`);
    });

  withConnection(threads.command('history'))
    .description('Lists the states that a thread had, newest first.')
    .argument(...threadArgument)
    .option('--json', 'print the states as JSON')
    .action(async (id: string, flags: Flags) => {
      const { items } = await connect(flags, terminal).threads.history(id, { limit: 50 });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ version, at, runId, state }) => [
        ...[String(version), at, runId ?? '-', shortened(JSON.stringify(state))],
      ]);
      return printTable(terminal, ['version', 'at', 'run', 'state'], rows, 'Nothing was written to it yet.');
    });

  withConnection(threads.command('delete'))
    .description('Forgets a thread in which no run is under way; its runs are kept.')
    .argument(...threadArgument)
    .option('--json', 'print what was done as JSON')
    .action(async (id: string, flags: Flags) => {
      await connect(flags, terminal).threads.delete(id);
      return flags.json ? printJson(terminal, { id, deleted: true }) : write(terminal.out, `${id} is forgotten.\n`);
    });
}

function inWords({ id, version, run, queued }: Thread): string {
  const underWay = run === null ? 'no run is under way' : `${run} is under way`;
  return `${id} is of version ${version}; ${underWay}, ${queued} wait${queued === 1 ? 's' : ''}.`;
}

/** @throws MillraceError `invalid_version` */
function versionOf(text: string): number | 'any' {
  if (text === 'any') return text;
  if (/^(0|[1-9]\d{0,8})$/.test(text)) return Number(text);
  throw invalidInput('invalid_version', '--if-version is the number of a version, as `threads show` has it, or `any`.');
}

const mostShown = 80;
const shortened = (text: string): string => (text.length <= mostShown ? text : `${text.slice(0, mostShown - 1)}…`);
