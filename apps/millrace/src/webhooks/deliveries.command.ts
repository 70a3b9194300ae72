import { type WebhookDelivery, type WebhookDeliveryState, webhookDeliveryStateSchema } from '@millrace/contracts';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface JsonFlag {
  readonly json?: boolean;
}

const webhookWords = ['<id>', 'the id of the webhook, from `webhooks list`'] as const;

/** What was sent, what is to be, and sending it again. */
export function addDeliveryCommands(webhooks: Command, terminal: Terminal): void {
  withConnection(webhooks.command('deliveries'))
    .description('Lists what was sent to a webhook and what is to be, newest first.')
    .argument(...webhookWords)
    .addOption(new Option('--state <state>', 'only these').choices(webhookDeliveryStateSchema.options))
    .option('--json', 'print the deliveries as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag & { readonly state?: WebhookDeliveryState }) => {
      const { items } = await connect(flags, terminal).webhooks.deliveries(id, { limit: 200, state: flags.state });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ id: delivery, eventType, state, attempts, lastError, createdAt }) => [
        ...[delivery, createdAt, eventType, state, String(attempts), lastError ?? ''],
      ]);
      const head = ['id', 'created', 'event', 'state', 'attempts', 'last error'];
      return printTable(terminal, head, rows, 'Nothing was sent yet.');
    });

  withConnection(webhooks.command('redeliver'))
    .description('Sends a delivery again, with the id that it had.')
    .argument(...webhookWords)
    .argument('<delivery>', 'the id of the delivery, from `webhooks deliveries`')
    .option('--json', 'print the delivery as JSON')
    .action(async (id: string, delivery: string, flags: ConnectionFlags & JsonFlag) =>
      printUnderWay(terminal, await connect(flags, terminal).webhooks.redeliver(id, delivery), flags),
    );

  withConnection(webhooks.command('test'))
    .description('Sends a webhook an event of the type millrace.webhook.test.v1, once.')
    .argument(...webhookWords)
    .option('--json', 'print the delivery as JSON')
    .action(async (id: string, flags: ConnectionFlags & JsonFlag) =>
      printUnderWay(terminal, await connect(flags, terminal).webhooks.test(id), flags),
    );
}

function printUnderWay(terminal: Terminal, delivery: WebhookDelivery, { json }: JsonFlag): Promise<void> {
  if (json) return printJson(terminal, delivery);
  return write(terminal.out, `${delivery.id} is under way; \`webhooks deliveries\` tells what becomes of it.\n`);
}
