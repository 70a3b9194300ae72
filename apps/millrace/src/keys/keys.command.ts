import { type Role, roleSchema } from '@millrace/contracts';
import { type Command, Option } from 'commander';
import { type ConnectionFlags, connect, withConnection } from '../connection.js';
import { printJson, printTable } from '../terminal/print.js';
import { type Terminal, write } from '../terminal/terminal.js';

interface KeyFlags extends ConnectionFlags {
  readonly name: string;
  readonly role: Role;
  readonly json?: boolean;
}

export function addKeysCommand(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('Creates, lists and revokes API keys (as an admin).');

  withConnection(keys.command('create'))
    .description('Creates a key and prints it; it cannot be shown again.')
    .requiredOption('--name <text>', 'what the key is for')
    .addOption(new Option('--role <role>', 'what it may do').choices(roleSchema.options).default('editor'))
    .option('--json', 'print the key as JSON')
    .action(async ({ name, role, ...flags }: KeyFlags) => {
      const key = await connect(flags, terminal).createKey({ name, role });
      return flags.json ? printJson(terminal, key) : write(terminal.out, `${key.secret}\n`);
    });

  withConnection(keys.command('list'))
    .description('Lists the keys without their secrets.')
    .option('--json', 'print the keys as JSON')
    .action(async (flags: ConnectionFlags & { json?: boolean }) => {
      const { items } = await connect(flags, terminal).listKeys({ limit: 200 });
      if (flags.json) return printJson(terminal, items);
      const rows = items.map(({ id, name, role, lastUsedAt, revokedAt }) => [
        id,
        name,
        role,
        revokedAt ? 'revoked' : (lastUsedAt ?? 'never used'),
      ]);
      return printTable(terminal, ['id', 'name', 'role', 'used'], rows, 'There are no keys.');
    });

  withConnection(keys.command('revoke'))
    .description('Revokes a key for good.')
    .argument('<id>', 'the id of the key, from `keys list`')
    .option('--json', 'print the key as JSON')
    .action(async (id: string, flags: ConnectionFlags & { json?: boolean }) => {
      const key = await connect(flags, terminal).revokeKey(id);
      return flags.json ? printJson(terminal, key) : write(terminal.out, `${key.name} is revoked.\n`);
    });
}
