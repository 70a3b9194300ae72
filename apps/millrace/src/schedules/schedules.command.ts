import { catchUpSchema, overlapSchema, type CatchUp, type Overlap, type Schedule } from '@millrace/contracts';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { objectOption } from '../json-option.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface JsonFlag {
  readonly json?: boolean;
}

interface CreateFlags extends ConnectionFlags, JsonFlag {
  readonly cron: string;
  readonly timeZone: string;
  readonly input: string;
  readonly overlap: Overlap;
  readonly catchUp: CatchUp;
}

export function addSchedulesCommand(program: Command, terminal: Terminal): void {
  const schedules = program
    .command('schedules')
    .description('Starts runs of graphs at the times of a cron expression.');

  withConnection(schedules.command('create'))
    .description('Creates a schedule and shows when it fires next.')
    .argument('<graph>', 'a published graph: NAME or NAME@VERSION')
    .requiredOption('--cron <fields>', 'minute, hour, day of the month, month, day of the week')
    .option('--time-zone <name>', 'of the IANA database, such as Europe/Berlin', 'UTC')
    .option('--input <json>', 'input of each run, as JSON', '{}')
    .addOption(
      new Option('--overlap <policy>', 'while the run of before goes on')
        .choices(overlapSchema.options)
        .default('skip'),
    )
    .addOption(
      new Option('--catch-up <policy>', 'for times that were missed').choices(catchUpSchema.options).default('latest'),
    )
    .option('--json', 'print the schedule as JSON')
    .action(async (graph: string, { cron, timeZone, input, overlap, catchUp, ...flags }: CreateFlags) => {
      const spec = {
        graph,
        cron,
        timeZone,
        overlap,
        catchUp,
        input: objectOption('--input', input, '{"topic": "mills"}'),
      };
      return printSchedule(terminal, await connect(flags, terminal).createSchedule(spec), flags);
    });

  withConnection(schedules.command('list'))
    .description('Lists schedules, newest first.')
    .option('--json', 'print the schedules as JSON')
    .action(async (flags: ConnectionFlags & JsonFlag) => {
      const { items } = await connect(flags, terminal).listSchedules({ limit: 200 });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ id, graph, cron, timeZone, nextFireTimes }) => [
        ...[id, graph, `${cron} ${timeZone}`, nextFireTimes[0] ?? 'paused'],
      ]);
      return printTable(terminal, ['id', 'graph', 'cron', 'next'], rows, 'There are no schedules.');
    });

  for (const [name, description, act] of [
    ['show', 'Shows a schedule.', (client, id) => client.getSchedule(id)],
    ['pause', 'Pauses a schedule.', (client, id) => client.updateSchedule(id, { paused: true })],
    ['resume', 'Lets a paused schedule go on.', (client, id) => client.updateSchedule(id, { paused: false })],
  ] satisfies [string, string, (client: ReturnType<typeof connect>, id: string) => Promise<Schedule>][]) {
    withConnection(schedules.command(name))
      .description(description)
      .argument('<id>', 'the id of the schedule, from `schedules list`')
      .option('--json', 'print the schedule as JSON')
      .action(async (id: string, flags: ConnectionFlags & JsonFlag) =>
        printSchedule(terminal, await act(connect(flags, terminal), id), flags),
      );
  }

  withConnection(schedules.command('delete'))
    .description('Deletes a schedule; its runs go on.')
    .argument('<id>', 'the id of the schedule, from `schedules list`')
    .option('--json', 'print what was done as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag) => {
      await connect(flags, terminal).deleteSchedule(id);
      return flags.json ? printJson(terminal, { id, deleted: true }) : write(terminal.out, `${id} is deleted.\n`);
    });
}

function printSchedule(terminal: Terminal, schedule: Schedule, { json }: JsonFlag): Promise<void> {
  if (json) return printJson(terminal, schedule);
  const { id, graph, paused, nextFireTimes } = schedule;
  return write(
    terminal.out,
    `${id} runs ${graph} ${paused ? 'when it is resumed' : `at ${nextFireTimes.join(', ')}`}.\n`,
  );
}
