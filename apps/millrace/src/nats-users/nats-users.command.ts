import { nameSchema, tenantIdSchema, type WorkerIdentity } from '@millrace/contracts';
import { type Command, InvalidArgumentError } from 'commander';
import { type Terminal, write } from '../terminal/terminal.js';

interface Options {
  readonly tenant?: readonly string[];
  readonly worker?: readonly WorkerIdentity[];
}

export function addNatsUsersCommand(program: Command, terminal: Terminal): void {
  program
    .command('nats-users')
    .description(
      'Prints the users of an installation for the configuration of a nats-server, each with what it may do.',
    )
    .option('--tenant <id>', 'add a user who sees the events of this tenant; may be repeated', addTenant)
    .option(
      '--worker <tenant/name>',
      'add a user for a program of a tenant that takes the tasks of this worker; may be repeated',
      addWorker,
    )
    .addHelpText(
      'after',
      '\nThe passwords are taken from the environment of the nats-server: MILLRACE_NATS_PASSWORD_ORCHESTRATOR and so on.' +
        '\nLet each begin with a letter; nats-server reads what begins with a digit as a number.',
    )
    .action(async ({ tenant: tenants = [], worker: workers = [] }: Options) => {
      // Loaded on need: the commands that only talk to a server start without the bus.
      const { installationUsers, renderUsers } = await import('@millrace/messaging');
      const users = installationUsers(tenants, (user) => ({ variable: variableOf(user) }), workers);
      await write(terminal.out, renderUsers(users));
    });
}

const variableOf = (user: string): string => `MILLRACE_NATS_PASSWORD_${user.toUpperCase().replaceAll(/[-.]/g, '_')}`;

function addTenant(text: string, tenants: readonly string[] = []): readonly string[] {
  if (!tenantIdSchema.safeParse(text).success) {
    throw new InvalidArgumentError('It must be 1 to 63 lower-case letters, digits, dashes or underscores.');
  }
  const clash = tenants.find((other) => variableOf(other) === variableOf(text));
  if (clash !== undefined) throw new InvalidArgumentError(`Its variable is that of ${clash}.`);
  return [...tenants, text];
}

function addWorker(text: string, workers: readonly WorkerIdentity[] = []): readonly WorkerIdentity[] {
  const [tenantId = '', worker = '', ...more] = text.split('/');
  const isValid = tenantIdSchema.safeParse(tenantId).success && nameSchema.safeParse(worker).success;
  if (!isValid || more.length > 0) {
    throw new InvalidArgumentError('It must be a tenant and a name, as acme/prices.');
  }
  const variable = ({ tenantId: tenant, worker: name }: WorkerIdentity): string =>
    variableOf(`worker.${tenant}.${name}`);
  const clash = workers.find((other) => variable(other) === variable({ tenantId, worker }));
  if (clash !== undefined) throw new InvalidArgumentError(`Its variable is that of ${clash.tenantId}/${clash.worker}.`);
  return [...workers, { tenantId, worker }];
}
