/** Makes the database of a service, its owner and its login, as an administrator would by hand. */
import pg from 'pg';
import { serviceSchema, type ServiceSchema } from '../schema/service-schema.js';
import { scramVerifier } from './scram-verifier.js';

const { escapeIdentifier, escapeLiteral } = pg;

export interface ProvisionOptions {
  /** A user who may create roles and databases. */
  readonly adminUrl: string;
  readonly service: string;
  /** Of the owner from now on. */
  readonly ownerPassword: string;
  /** Of the login from now on. */
  readonly loginPassword: string;
}

export interface ProvisionedDatabase {
  /** For who migrates. */
  readonly ownerUrl: string;
  /** For the service: it may take on the service's two roles and nothing else. */
  readonly loginUrl: string;
}

interface Users {
  readonly owner: string;
  readonly login: string;
  readonly database: string;
}

/**
 * Makes what is missing, and sets the passwords anew. Owner and login reach no other service's database, and are allowed nothing on
 * the server: no superuser, no new roles or databases.
 * @throws Error of the driver
 */
export async function provisionService(options: ProvisionOptions): Promise<ProvisionedDatabase> {
  const { adminUrl, service, ownerPassword, loginPassword } = options;
  const names = serviceSchema(service);
  const login = `millrace_${names.schema}`;
  const users: Users = { owner: `${login}_owner`, login, database: login };
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Two that provision the same server at the same time take turns.
    await client.query(`select pg_advisory_lock(hashtextextended('millrace.provision', 0))`);
    await makeRoles(client, names, users, options);
    await makeDatabase(client, users);
  } finally {
    await client.end();
  }
  const addressOf = (user: string, password: string): string => {
    const address = new URL(adminUrl);
    address.username = user;
    address.password = password;
    address.pathname = `/${users.database}`;
    return address.href;
  };
  return { ownerUrl: addressOf(users.owner, ownerPassword), loginUrl: addressOf(users.login, loginPassword) };
}

const noRights = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls';

async function makeRoles(
  client: pg.Client,
  { tenantRole, serviceRole }: ServiceSchema,
  { owner, login }: Users,
  { ownerPassword, loginPassword }: ProvisionOptions,
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'select rolname as name from pg_roles where rolname = any($1::text[])',
    [[tenantRole, serviceRole, owner, login]],
  );
  const present = new Set(rows.map(({ name }) => name));
  const make = (role: string, rights: string) =>
    client.query(`${present.has(role) ? 'alter' : 'create'} role ${escapeIdentifier(role)} ${rights} ${noRights}`);
  const secret = (password: string): string => `password ${escapeLiteral(scramVerifier(password))}`;
  for (const role of [tenantRole, serviceRole]) await make(role, 'nologin');
  await make(owner, `login ${secret(ownerPassword)}`);
  await make(login, `login noinherit ${secret(loginPassword)}`);
  const roles = [tenantRole, serviceRole].map(escapeIdentifier).join(', ');
  await client.query(`grant ${roles} to ${escapeIdentifier(owner)}, ${escapeIdentifier(login)}`);
}

async function makeDatabase(client: pg.Client, users: Users): Promise<void> {
  const [database, owner, login] = [users.database, users.owner, users.login].map(escapeIdentifier);
  const { rowCount } = await client.query('select from pg_database where datname = $1', [users.database]);
  if (rowCount === 0) {
    // Who is no superuser may only give a database to a role that it is a member of.
    const { rows } = await client.query<{ super: boolean }>(
      'select rolsuper as super from pg_roles where rolname = current_user',
    );
    if (rows[0]?.super !== true) await client.query(`grant ${owner} to current_user`);
    await client.query(`create database ${database} owner ${owner}`);
  }
  await client.query(`revoke connect, temporary on database ${database} from public`);
  await client.query(`grant connect on database ${database} to ${login}`);
}
