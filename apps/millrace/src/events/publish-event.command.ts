import { type NewCloudEvent, newCloudEventSchema, violationsOf } from '@millrace/contracts';
import { invalidInput, newId } from '@millrace/kernel';
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface PublishFlags extends ConnectionFlags {
  readonly type: string;
  readonly source: string;
  readonly id?: string;
  readonly about?: string;
  readonly attribute?: readonly string[];
  readonly data?: string;
  readonly json?: boolean;
}

export function addPublishCommand(events: Command, terminal: Terminal): void {
  withConnection(events.command('publish'))
    .description('Publishes an event; the same --id and --source again is the same event.')
    .requiredOption('--type <type>', 'names joined by dots: `order.placed.v1`')
    .requiredOption('--source <source>', 'who says so: `/shop`')
    .option('--id <id>', 'unique together with the source (default: a new one)')
    .option('--about <id>', 'what it is about')
    .option('--attribute <name=value...>', 'another attribute')
    .option('--data <json>', 'its data: JSON, or @FILE with it')
    .option('--json', 'print what was stored as JSON')
    .action(async (flags: PublishFlags) => {
      const event = await eventOf(flags, terminal.folder);
      const { items } = await connect(flags, terminal).publishEvents([event]);
      const [stored] = items;
      if (flags.json) return printJson(terminal, stored);
      const outcome = stored?.duplicate ? 'had been published before' : 'is published';
      return write(terminal.out, `${stored?.id} ${outcome} on ${stored?.subject}.\n`);
    });
}

/** @throws MillraceError `invalid_event`, `invalid_data`, `unreadable_file` */
async function eventOf(flags: PublishFlags, folder: string): Promise<NewCloudEvent> {
  const { id = newId('event'), source, type, about: subject, attribute = [], data } = flags;
  const event = {
    ...Object.fromEntries(attribute.map(attributeOf)),
    specversion: '1.0',
    id,
    source,
    type,
    ...(subject !== undefined && { subject }),
    ...(data !== undefined && { data: await readData(data, folder) }),
  };
  const parsed = newCloudEventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw invalidInput('invalid_event', 'This is no event that can be published.', violationsOf(parsed.error));
}

function attributeOf(text: string): [string, string] {
  const end = text.indexOf('=');
  if (end > 0) return [text.slice(0, end), text.slice(end + 1)];
  throw invalidInput('invalid_event', '--attribute must be name=value, for example region=north.');
}

async function readData(text: string, folder: string): Promise<unknown> {
  const json = text.startsWith('@') ? await readText(resolve(folder, text.slice(1))) : text;
  try {
    return JSON.parse(json);
  } catch {
    throw invalidInput('invalid_data', '--data must be JSON, for example \'{"order": 7}\'.');
  }
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw invalidInput('unreadable_file', `${path} cannot be read (${reason}).`);
  });
}
