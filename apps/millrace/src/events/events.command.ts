import type { EventQuery, MillraceClient } from '@millrace/client';
import type { CloudEvent } from '@millrace/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { printableLine } from '../terminal/printable.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { addPublishCommand } from './publish-event.command.js';

interface EventFlags extends ConnectionFlags {
  readonly subject?: string;
  readonly type?: string;
  readonly source?: string;
  readonly about?: string;
  readonly correlation?: string;
  readonly attribute?: readonly string[];
  readonly after?: string;
  readonly limit?: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const defaultLimit = 100;
const longestPage = 1_000;

export function addEventsCommand(program: Command, terminal: Terminal): void {
  // Both commands have a --type and a --source: what stands behind `publish` belongs to it.
  const events = withConnection(program.command('events').enablePositionalOptions())
    .description('Shows events, oldest first; with --follow also those that come.')
    .option('--subject <pattern>', 'where they are: `run.*.v1`, `custom.>` (`*` is one name, `>` all that follow)')
    .option('--type <type>', 'their type: `millrace.run.completed.v1`')
    .option('--source <source>', 'who says so')
    .option('--about <id>', 'what they are about: the id of a run or of a document')
    .option('--correlation <id>', 'the request that began it all')
    .option('--attribute <name=value...>', 'any other attribute of theirs')
    .option('--after <cursor>', 'begin behind this cursor, or `now` with what comes')
    .option('--limit <count>', `how many (default: ${defaultLimit}, with --follow all)`, countOf)
    .option('--follow', 'go on with what comes, until it is interrupted')
    .option('--json', 'print {items, cursor, more} as JSON; with --follow one event a line')
    .action(async (flags: EventFlags) => {
      const client = connect(flags, terminal);
      if (flags.follow) return follow(client, flags, terminal);
      const page = await read(client, flags);
      if (flags.json) return printJson(terminal, page);
      if (page.items.length === 0) return write(terminal.error, 'There are no such events.\n');
      return write(terminal.out, page.items.map(lineOf).join(''));
    });
  addPublishCommand(events, terminal);
}

async function follow(client: MillraceClient, flags: EventFlags, terminal: Terminal): Promise<void> {
  let left = flags.limit ?? Number.POSITIVE_INFINITY;
  if (left === 0) return;
  for await (const { event } of client.streamEvents(queryOf(flags))) {
    await write(terminal.out, flags.json ? `${JSON.stringify(event)}\n` : lineOf(event));
    left -= 1;
    if (left === 0) return;
  }
}

/** A page of the server may be short though there is more, when few events of many match. */
async function read(client: MillraceClient, flags: EventFlags): ReturnType<MillraceClient['listEvents']> {
  const wanted = flags.limit ?? defaultLimit;
  const items: CloudEvent[] = [];
  for (let after = flags.after; ;) {
    const limit = Math.min(wanted - items.length, longestPage);
    const page = await client.listEvents({ ...queryOf(flags), after, limit });
    items.push(...page.items);
    if (!page.more || items.length >= wanted) return { ...page, items };
    after = page.cursor;
  }
}

const queryOf = ({ subject, type, source, about, correlation, attribute, after }: EventFlags): EventQuery => ({
  subject,
  type,
  source,
  about,
  correlationid: correlation,
  attribute: attribute === undefined ? undefined : [...attribute],
  after,
});

const lineOf = ({ time, type, subject = '-', data }: CloudEvent): string =>
  `${printableLine([time, type, subject, JSON.stringify(data ?? null)].join('  '))}\n`;

function countOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}
