/** Makes the database of a service and the one user that may connect to it, as an administrator would by hand. */
import pg from 'pg';
import { serviceSchema, type ServiceSchema } from '../schema/service-schema.js';
import { scramVerifier } from './scram-verifier.js';

const { escapeIdentifier, escapeLiteral } = pg;

export interface ProvisionOptions {
  /** A user who may create roles and databases. */
  readonly adminUrl: string;
  readonly service: string;
  /** Of the service's user from now on. */
  readonly password: string;
}

/**
 * Makes what is missing, and sets the password anew. The user owns its database and may take on the two roles of its service, and
 * is allowed nothing else on the server: no superuser, no new roles or databases, no other service's database.
 * @returns the address for the service
 * @throws Error of the driver
 */
export async function provisionService({ adminUrl, service, password }: ProvisionOptions): Promise<string> {
  const names = serviceSchema(service);
  const user = `millrace_${names.schema}`;
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Two that provision the same server at the same time take turns.
    await client.query(`select pg_advisory_lock(hashtextextended('millrace.provision', 0))`);
    await makeRoles(client, names, user, password);
    await makeDatabase(client, user);
  } finally {
    await client.end();
  }
  const address = new URL(adminUrl);
  address.username = user;
  address.password = password;
  address.pathname = `/${user}`;
  return address.href;
}

async function makeRoles(client: pg.Client, names: ServiceSchema, user: string, password: string): Promise<void> {
  const roles = [names.tenantRole, names.serviceRole];
  const { rows } = await client.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1::text[])',
    [[...roles, user]],
  );
  const present = new Set(rows.map(({ name }) => name));
  const rights = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
  for (const role of roles) {
    if (!present.has(role)) await client.query(`create role ${escapeIdentifier(role)} nologin ${rights}`);
  }
  const login = `${escapeIdentifier(user)} login ${rights} password ${escapeLiteral(scramVerifier(password))}`;
  await client.query(`${present.has(user) ? 'alter' : 'create'} role ${login}`);
  await client.query(`grant ${roles.map(escapeIdentifier).join(', ')} to ${escapeIdentifier(user)}`);
}

async function makeDatabase(client: pg.Client, user: string): Promise<void> {
  const name = escapeIdentifier(user);
  const { rowCount } = await client.query('select from pg_database where datname = $1', [user]);
  if (rowCount === 0) {
    // Who is no superuser may only give a database to a role that it is a member of.
    const { rows } = await client.query<{ super: boolean }>(
      'select rolsuper as super from pg_roles where rolname = current_user',
    );
    if (rows[0]?.super !== true) await client.query(`grant ${name} to current_user`);
    await client.query(`create database ${name} owner ${name}`);
  }
  await client.query(`revoke connect, temporary on database ${name} from public`);
}
