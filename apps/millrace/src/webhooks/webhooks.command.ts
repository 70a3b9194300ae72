import type { CreatedWebhook, Webhook } from '@millrace/contracts';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';
import { addDeliveryCommands } from './deliveries.command.js';

interface JsonFlag {
  readonly json?: boolean;
}

interface WebhookFlags extends ConnectionFlags, JsonFlag {
  readonly events?: string[];
  readonly description?: string;
}

interface UpdateFlags extends WebhookFlags {
  readonly to?: string;
}

const idWords = ['<id>', 'the id of the webhook, from `webhooks list`'] as const;

export function addWebhooksCommand(program: Command, terminal: Terminal): void {
  const webhooks = program.command('webhooks').description('Has events sent to URLs, signed.');
  addCreateCommand(webhooks, terminal);
  addListCommand(webhooks, terminal);
  addChangingCommands(webhooks, terminal);
  addRotateCommand(webhooks, terminal);
  addDeliveryCommands(webhooks, terminal);
}

const eventsOption = () =>
  new Option('--events <types...>', 'types of events, with * for one name and a final > for all that follow');

function addCreateCommand(webhooks: Command, terminal: Terminal): void {
  withConnection(webhooks.command('create'))
    .description('Has events sent to a URL from now on, and shows the secret that signs them, for the only time.')
    .argument('<url>', 'with https, on the public Internet')
    .addOption(eventsOption().default(['millrace.run.>'], 'millrace.run.>'))
    .option('--description <text>', 'what it is for')
    .option('--json', 'print the webhook as JSON')
    .action(async (url: string, { events = [], description, ...flags }: WebhookFlags) =>
      printSecret(terminal, await connect(flags, terminal).webhooks.create({ url, events, description }), flags),
    );
}

function addListCommand(webhooks: Command, terminal: Terminal): void {
  withConnection(webhooks.command('list'))
    .description('Lists webhooks, newest first.')
    .option('--json', 'print the webhooks as JSON')
    .action(async (flags: ConnectionFlags & JsonFlag) => {
      const { items } = await connect(flags, terminal).webhooks.list();
      if (flags.json) return printJson(terminal, items);
      const rows = items.map((webhook) => [webhook.id, webhook.url, webhook.events.join(' '), stateOf(webhook)]);
      return printTable(terminal, ['id', 'url', 'events', 'state'], rows, 'There are no webhooks.');
    });
}

function addChangingCommands(webhooks: Command, terminal: Terminal): void {
  withConnection(webhooks.command('update'))
    .description('Changes where a webhook leads, or what it is told of.')
    .argument(...idWords)
    .option('--to <url>', 'with https, on the public Internet')
    .addOption(eventsOption())
    .option('--description <text>', 'what it is for')
    .option('--json', 'print the webhook as JSON')
    .action(async (id: string, { to: url, events, description, ...flags }: UpdateFlags) =>
      printState(terminal, await connect(flags, terminal).webhooks.update(id, { url, events, description }), flags),
    );
  for (const [name, description, enabled] of [
    ['enable', 'Enables a webhook again, for what happens from now on.', true],
    ['disable', 'Disables a webhook; what waits for it is not sent.', false],
  ] as const)
    withConnection(webhooks.command(name))
      .description(description)
      .argument(...idWords)
      .option('--json', 'print the webhook as JSON')
      .action(async (id: string, flags: ConnectionFlags & JsonFlag) =>
        printState(terminal, await connect(flags, terminal).webhooks.update(id, { enabled }), flags),
      );
  withConnection(webhooks.command('delete'))
    .description('Deletes a webhook with its deliveries.')
    .argument(...idWords)
    .option('--json', 'print what was done as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag) => {
      await connect(flags, terminal).webhooks.delete(id);
      return flags.json ? printJson(terminal, { id, deleted: true }) : write(terminal.out, `${id} is deleted.\n`);
    });
}

function addRotateCommand(webhooks: Command, terminal: Terminal): void {
  withConnection(webhooks.command('rotate'))
    .description('Gives a webhook a new secret, and shows it for the only time.')
    .argument(...idWords)
    .option('--overlap <seconds>', 'for how long the secret of before signs as well', Number, 86_400)
    .option('--json', 'print the webhook as JSON')
    .action(async (id: string, { overlap, ...flags }: ConnectionFlags & JsonFlag & { readonly overlap: number }) =>
      printSecret(terminal, await connect(flags, terminal).webhooks.rotateSecret(id, overlap), flags),
    );
}

const stateOf = ({ enabled, disabledReason, failingSince }: Webhook): string =>
  enabled ? (failingSince === null ? 'enabled' : `failing since ${failingSince}`) : `disabled: ${disabledReason}`;

function printState(terminal: Terminal, webhook: Webhook, { json }: JsonFlag): Promise<void> {
  if (json) return printJson(terminal, webhook);
  const { id, url, events } = webhook;
  return write(terminal.out, `${id} tells ${url} of ${events.join(', ')}: ${stateOf(webhook)}.\n`);
}

/** The secret alone on standard output, so that it can be piped to where it is kept. */
async function printSecret(terminal: Terminal, webhook: CreatedWebhook, { json }: JsonFlag): Promise<void> {
  if (json) return printJson(terminal, webhook);
  await write(terminal.error, `${webhook.id} signs with this secret. Keep it: it is shown only now.\n`);
  await write(terminal.out, `${webhook.secret}\n`);
}
