import type { MillraceClient } from '@millrace/client';
import {
  jsonObjectSchema,
  onBusySchema,
  runPrioritySchema,
  type OnBusy,
  type Run,
  type RunPriority,
} from '@millrace/contracts';
import { invalidInput, type JsonObject } from '@millrace/kernel';
import { Option, type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { exitCodeOf, exitCodes } from '../exit-codes.js';
import { readGraphFile } from '../graphs/read-graph-file.js';
import { printJson } from '../terminal/print.js';
import { progressOn } from '../terminal/progress.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { followRun } from './follow-run.js';

interface RunFlags extends ConnectionFlags {
  readonly input: string;
  readonly json?: boolean;
  readonly detach?: boolean;
  readonly priority?: RunPriority;
  readonly idempotencyKey?: string;
  readonly thread?: string;
  readonly onBusy?: OnBusy;
}

export function addRunCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  withConnection(program.command('run'))
    .description('Runs a graph on a server and follows it to its end.')
    .argument('<graph>', 'NAME, NAME@VERSION, or a file with a graph document (.yaml, .yml, .json)')
    .option('--input <json>', 'input of the run: a JSON object, or @FILE with one', '{}')
    .option('--idempotency-key <key>', 'the same key again gives the same run')
    .addOption(
      new Option('--priority <priority>', 'whose tasks go first where those of the tenant wait for workers').choices(
        runPrioritySchema.options,
      ),
    )
    .option('--thread <id>', 'the thread that it belongs to: one run is under way in it at a time')
    .addOption(
      new Option('--on-busy <policy>', 'while another run of the thread is under way').choices(onBusySchema.options),
    )
    .option('--detach', 'do not wait for the end')
    .option('--json', 'print the run as JSON')
    .action(async (graph: string, flags: RunFlags) => {
      const client = connect(flags, terminal);
      const input = await readInput(flags.input, terminal.folder);
      const reference = /\.(ya?ml|json)$/.test(graph) ? await readGraphFile(resolve(terminal.folder, graph)) : graph;
      const { priority, thread, onBusy, idempotencyKey } = flags;
      const body = { graph: reference, input, thread, onBusy, ...(priority !== undefined && { priority }) };
      const started = await client.startRun(body, { idempotencyKey });
      const run = flags.detach ? started : await follow(client, started, terminal);
      if (flags.json || run.output === null) await printJson(terminal, run);
      else await printJson(terminal, run.output);
      if (run.status === 'failed' || run.status === 'cancelled') {
        const code = run.error?.code ?? `run_${run.status}`;
        if (!flags.json) await write(terminal.error, `${run.error?.message ?? 'The run was cancelled.'} (${code})\n`);
        setExitCode(run.error ? exitCodeOf(code) : exitCodes.failed);
      }
    });
}

function follow(client: MillraceClient, { id, graph }: Run, terminal: Terminal): Promise<Run> {
  const title = `${graph.name}@${graph.version} ${id}`;
  return progressOn(terminal).phase(title, async (report, rename) => {
    const run = await followRun(client, id, report);
    rename(`${title} is ${run.status}`);
    return run;
  });
}

/** @throws MillraceError `invalid_input`, `unreadable_file` */
async function readInput(text: string, folder: string): Promise<JsonObject> {
  const json = text.startsWith('@') ? await readText(resolve(folder, text.slice(1))) : text;
  try {
    return jsonObjectSchema.parse(JSON.parse(json));
  } catch {
    throw invalidInput('invalid_input', '--input must be a JSON object, for example \'{"topic": "caching"}\'.');
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw invalidInput('unreadable_file', `${path} cannot be read (${reason}).`);
  });
}
