import type { Run } from '@millrace/contracts';
import type { Command } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { jsonOption, objectOption } from '../json-option.js';
import { addRecordingCommands } from './recordings.command.js';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface JsonFlag {
  readonly json?: boolean;
}

interface RetryFlags extends ConnectionFlags, JsonFlag {
  readonly from?: string;
  readonly idempotencyKey?: string;
}

interface ForkFlags extends RetryFlags {
  readonly from: string;
  readonly input?: string;
  readonly with?: string;
}

interface SignalFlags extends ConnectionFlags, JsonFlag {
  readonly data: string;
  readonly idempotencyKey?: string;
}

export function addRunsCommand(program: Command, terminal: Terminal): void {
  const runs = program.command('runs').description('Works on runs that have been started.');

  addRecordingCommands(runs, terminal);

  withConnection(runs.command('pause'))
    .description('Pauses a run: what runs goes on, and nothing begins until it is resumed.')
    .argument('<run>', 'the id of the run')
    .option('--reason <text>', 'why, for the events of the run')
    .option('--json', 'print the run as JSON')
    .action(async (id: string, { reason, ...flags }: ConnectionFlags & JsonFlag & { readonly reason?: string }) =>
      printRun(terminal, await connect(flags, terminal).pauseRun(id, reason), flags),
    );

  withConnection(runs.command('resume'))
    .description('Resumes a run that was paused.')
    .argument('<run>', 'the id of the run')
    .option('--json', 'print the run as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag) =>
      printRun(terminal, await connect(flags, terminal).resumeRun(id), flags),
    );

  withConnection(runs.command('retry'))
    .description('Lets a run that has ended go on from a node; what lies before it is kept.')
    .argument('<run>', 'the id of the run')
    .option('--from <node>', 'the node to begin with; whatever did not end well unless said otherwise')
    .option('--idempotency-key <key>', 'the same key again is the same retry')
    .option('--json', 'print the run as JSON')
    .action(async (id: string, { from, idempotencyKey, ...flags }: RetryFlags) =>
      printRun(terminal, await connect(flags, terminal).retryRun(id, from, { idempotencyKey }), flags),
    );

  withConnection(runs.command('migrate'))
    .description('Moves a run that goes on to another version of its graph, if what it has done fits there.')
    .argument('<run>', 'the id of the run')
    .requiredOption('--to <version>', 'the version, as `graphs list` numbers them', Number)
    .option('--json', 'print the run as JSON')
    .action(async (id: string, { to, ...flags }: ConnectionFlags & JsonFlag & { readonly to: number }) => {
      const run = await connect(flags, terminal).migrateRun(id, to);
      if (flags.json) return printJson(terminal, run);
      return write(terminal.out, `${run.id} is ${run.status}, on ${run.graph.name}@${run.graph.version}.\n`);
    });

  withConnection(runs.command('delete'))
    .description('Removes a run that has ended, with its events, outputs and approvals.')
    .argument('<run>', 'the id of the run')
    .option('--json', 'print the run as it was, as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag) => {
      const run = await connect(flags, terminal).deleteRun(id);
      return flags.json ? printJson(terminal, run) : write(terminal.out, `${run.id} is removed.\n`);
    });

  withConnection(runs.command('fork'))
    .description('Starts a new run at a node of another one; what lies before it is taken along.')
    .argument('<run>', 'the id of the other run')
    .requiredOption('--from <node>', 'the node to begin with')
    .option('--input <json>', 'another input of the run, as JSON')
    .option('--with <json>', 'what the node gets in place of what its `with` says, as JSON')
    .option('--idempotency-key <key>', 'the same key again is the same fork')
    .option('--json', 'print the new run as JSON')
    .action(async (id: string, { from, input, with: changed, idempotencyKey, ...flags }: ForkFlags) => {
      const body = {
        from,
        ...(input !== undefined && { input: objectOption('--input', input, '{"topic": "mills"}') }),
        ...(changed !== undefined && { with: jsonOption('--with', changed, '{"tool": "echo"}') }),
      };
      return printRun(terminal, await connect(flags, terminal).forkRun(id, body, { idempotencyKey }), flags);
    });

  withConnection(runs.command('signal'))
    .description('Sends a signal to a run: it completes a node that waits for one of its name, now or later.')
    .argument('<run>', 'the id of the run')
    .argument('<name>', 'the name of the signal')
    .option('--data <json>', 'what the signal says, as JSON', 'null')
    .option('--idempotency-key <key>', 'the same key again is the same signal')
    .option('--json', 'print the run as JSON')
    .action(async (id: string, name: string, flags: SignalFlags) => {
      const { idempotencyKey } = flags;
      const run = await connect(flags, terminal).signalRun(
        id,
        name,
        jsonOption('--data', flags.data, '{"paid": true}'),
        { idempotencyKey },
      );
      return printRun(terminal, run, flags);
    });
}

const printRun = (terminal: Terminal, run: Run, { json }: JsonFlag): Promise<void> =>
  json ? printJson(terminal, run) : write(terminal.out, `${run.id} is ${run.status}.\n`);
