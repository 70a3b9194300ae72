/** The command line: what can be typed, and which exit code follows. The work is done in the folder of each command. */
import { type MillraceError, toMillraceError } from '@millrace/kernel';
import { describeError, redactText } from '@millrace/telemetry';
import { Command, CommanderError } from 'commander';
import { addApprovalsCommand } from './approvals/approvals.command.js';
import { addDemoCommand } from './demo/demo.command.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { addEventsCommand } from './events/events.command.js';
import { addGraphsCommand } from './graphs/graphs.command.js';
import { addIngestCommand } from './ingest/ingest.command.js';
import { addKeysCommand } from './keys/keys.command.js';
import { addPricesCommand } from './models/prices.command.js';
import { addRerankCommand } from './models/rerank.command.js';
import { addRoutesCommand } from './models/routes.command.js';
import { addUsageCommand } from './models/usage.command.js';
import { addNatsUsersCommand } from './nats-users/nats-users.command.js';
import { addRunCommand } from './run/run.command.js';
import { addRunsCommand } from './runs/runs.command.js';
import { addSchedulesCommand } from './schedules/schedules.command.js';
import { addSearchCommand } from './search/search.command.js';
import { addStartCommand } from './start/start.command.js';
import { addThreadsCommand } from './threads/threads.command.js';
import { printable, printableLine } from './terminal/printable.js';
import { hasColours, type Terminal, write } from './terminal/terminal.js';
import { addWebhooksCommand } from './webhooks/webhooks.command.js';

/** Runs one command and gives its exit code. Nothing is thrown: what went wrong is written where the command's caller looks for it. */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = programFor(terminal, (code) => (exitCode = code));
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (isBrokenPipe(thrown)) return exitCode;
    const error = toMillraceError(thrown);
    if (error.kind === 'internal') await explain(error, terminal);
    await report(error, words.includes('--json'), terminal);
    return exitCodeOf(error.code);
  }
}

function programFor(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const program = new Command('millrace')
    .description('Durable task graphs for LLM work.')
    .version('0.1.0')
    // What stands behind a command belongs to it, also where its parent has an option of the same name.
    .enablePositionalOptions()
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.error.write(text),
      getOutHasColors: () => hasColours(terminal.out, terminal),
      getErrHasColors: () => hasColours(terminal.error, terminal),
    });
  addDemoCommand(program, terminal, setExitCode);
  addStartCommand(program, terminal, setExitCode);
  addRunCommand(program, terminal, setExitCode);
  addRunsCommand(program, terminal);
  addSchedulesCommand(program, terminal);
  addThreadsCommand(program, terminal);
  addApprovalsCommand(program, terminal);
  addGraphsCommand(program, terminal, setExitCode);
  addIngestCommand(program, terminal, setExitCode);
  addSearchCommand(program, terminal);
  addRoutesCommand(program, terminal);
  addPricesCommand(program, terminal);
  addRerankCommand(program, terminal);
  addUsageCommand(program, terminal);
  addEventsCommand(program, terminal);
  addWebhooksCommand(program, terminal);
  addKeysCommand(program, terminal);
  addNatsUsersCommand(program, terminal);
  return program;
}

/** The reader had enough (`| head`): nothing is wrong, and nobody is there to be told. */
const isBrokenPipe = (thrown: unknown): boolean =>
  thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE';

/** As JSON on standard output where JSON was asked for, else in words on standard error. */
async function report(error: MillraceError, json: boolean, terminal: Terminal): Promise<void> {
  const { code, message, violations } = error;
  if (json) {
    const body = { code, message, ...(violations.length > 0 && { errors: violations }) };
    return write(terminal.out, `${JSON.stringify({ error: body }, null, 2)}\n`);
  }
  const lines = violations.map((violation) => printableLine(`  ${violation.pointer || '/'}: ${violation.message}`));
  await write(terminal.error, [printable(`${message} (${code})`), ...lines, ''].join('\n'));
}

/** What was not expected is of use to whoever reports it: its chain of causes, without secrets. */
async function explain(error: MillraceError, terminal: Terminal): Promise<void> {
  const { stack, message } = describeError(error.cause ?? error);
  await write(terminal.error, `${redactText(stack ?? message)}\n`);
}
