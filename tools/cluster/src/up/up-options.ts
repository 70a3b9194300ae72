/** What can be typed after `npm run up --`. */
import { tenantIdSchema } from '@millrace/contracts';
import type { ServiceName } from '@millrace/messaging';
import { redactText } from '@millrace/telemetry';
import { Command, InvalidArgumentError } from 'commander';
import { services } from '../services.js';
import type { UpTerminal } from './run-up.js';

export interface UpFlags {
  readonly data: string;
  readonly port: number;
  readonly replicas?: Partial<Record<ServiceName, number>>;
  readonly natsUrl?: string;
  readonly postgresUrl?: string;
  readonly redisUrl?: string;
  readonly tenant: string;
  readonly eventsFor?: readonly string[];
  readonly json?: boolean;
}

const mostReplicas = 32;

export function upProgram(
  run: (flags: UpFlags) => Promise<void>,
  terminal: Pick<UpTerminal, 'out' | 'error'>,
): Command {
  return (
    new Command('up')
      .description('Runs every service as a process of its own on this machine until Ctrl-C, which drains them.')
      .option('--data <folder>', 'data, logs and passwords', '.millrace/up')
      .option('--port <number>', 'port of the first gateway on 127.0.0.1, 0 for a free one', portOf, 8080)
      .option('--replicas <list>', 'processes per service, such as orchestrator=2,llm-provider=3', replicasOf)
      .option('--nats-url <address>', 'a NATS with JetStream that runs already', urlOf('nats:', 'tls:'))
      .option(
        '--postgres-url <address>',
        'a Postgres that runs already, as an administrator',
        urlOf('postgres:', 'postgresql:'),
      )
      .option('--redis-url <address>', 'a Redis that runs already, or "none" to go without', redisOf)
      .option('--tenant <id>', 'whose first admin key is made', tenantOf, 'default')
      .option('--events-for <id>', 'make a NATS user who sees the events of this tenant; may be repeated', addTenant)
      .option('--json', 'say where everything is as one JSON document')
      .addHelpText(
        'after',
        '\nExit codes: 0 drained, 64 wrong usage, 130 interrupted while starting or draining, 1 anything else.',
      )
      .showHelpAfterError()
      // A wrong address is repeated in the error, and may hold a password.
      .configureOutput({ writeOut: terminal.out, writeErr: (text) => terminal.error(redactText(text)) })
      .exitOverride()
      .action(run)
  );
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

function replicasOf(text: string): Partial<Record<ServiceName, number>> {
  const replicas: Partial<Record<ServiceName, number>> = {};
  for (const part of text.split(',')) {
    const [, name, count] = /^([a-z-]+)=(\d{1,3})$/.exec(part.trim()) ?? [];
    const service = services.find((known) => known.name === name);
    if (service === undefined || Number(count) < 1 || Number(count) > mostReplicas) {
      const names = services.map((known) => known.name).join(', ');
      throw new InvalidArgumentError(
        `"${part}" must be SERVICE=NUMBER with a number from 1 to ${mostReplicas} and one of these services: ${names}.`,
      );
    }
    if (replicas[service.name] !== undefined) throw new InvalidArgumentError(`${service.name} is there twice.`);
    replicas[service.name] = Number(count);
  }
  return replicas;
}

function urlOf(...protocols: readonly string[]): (text: string) => string {
  return (text) => {
    const addresses = protocols.includes('nats:') ? text.split(',') : [text];
    const areRight = addresses.every((each) => URL.canParse(each) && protocols.includes(new URL(each).protocol));
    if (!areRight) throw new InvalidArgumentError(`It must be an address that begins with ${protocols[0]}//.`);
    return text;
  };
}

const redisUrlOf = urlOf('redis:', 'rediss:');
const redisOf = (text: string): string => (text === 'none' ? text : redisUrlOf(text));

function tenantOf(text: string): string {
  if (tenantIdSchema.safeParse(text).success) return text;
  throw new InvalidArgumentError('It must be 1 to 63 lower-case letters, digits, dashes or underscores.');
}

const addTenant = (text: string, tenants: readonly string[] = []): readonly string[] => [...tenants, tenantOf(text)];
