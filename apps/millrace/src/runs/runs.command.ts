import type { JsonValue } from '@millrace/kernel';
import { invalidInput } from '@millrace/kernel';
import type { Run } from '@millrace/contracts';
import type { Command } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface JsonFlag {
  readonly json?: boolean;
}

interface SignalFlags extends ConnectionFlags, JsonFlag {
  readonly data: string;
  readonly idempotencyKey?: string;
}

export function addRunsCommand(program: Command, terminal: Terminal): void {
  const runs = program.command('runs').description('Works on runs that have been started.');

  withConnection(runs.command('signal'))
    .description('Sends a signal to a run: it completes a node that waits for one of its name, now or later.')
    .argument('<run>', 'the id of the run')
    .argument('<name>', 'the name of the signal')
    .option('--data <json>', 'what the signal says, as JSON', 'null')
    .option('--idempotency-key <key>', 'the same key again is the same signal')
    .option('--json', 'print the run as JSON')
    .action(async (id: string, name: string, flags: SignalFlags) => {
      const { idempotencyKey } = flags;
      const run = await connect(flags, terminal).signalRun(id, name, dataOf(flags.data), { idempotencyKey });
      return printRun(terminal, run, flags);
    });
}

/** @throws MillraceError `invalid_input` */
function dataOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw invalidInput('invalid_input', '--data must be JSON, for example \'{"paid": true}\' or \'"yes"\'.');
  }
}

const printRun = (terminal: Terminal, run: Run, { json }: JsonFlag): Promise<void> =>
  json ? printJson(terminal, run) : write(terminal.out, `${run.id} is ${run.status}.\n`);
