/** The users of an installation as part of a nats-server's configuration. */
import type { WorkerIdentity } from '@millrace/contracts';
import { customWorkerPermissions, customWorkerUser } from './custom-worker-permissions.js';
import { operatorPermissions, permissionsOf, subscriberPermissions, type NatsPermissions } from './nats-permissions.js';
import { serviceAccess, type ServiceName } from './service-access.js';

export interface NatsUser {
  readonly user: string;
  /** The password itself, or the environment variable of the server that holds it. */
  readonly password: string | { readonly variable: string };
  readonly permissions: NatsPermissions;
}

/** Who may do everything: the tools that start, watch and repair an installation. */
export const operatorUser = 'operator';

/** Who sees the events of a tenant. */
export const subscriberUser = (tenantId: string): string => `events-${tenantId}`;

/**
 * The operator, each service under its own name, and a subscriber for each of these tenants, and the programs of tenants that work on tasks.
 * @throws MillraceError `invalid_tenant`, `invalid_worker`
 */
export function installationUsers(
  tenants: readonly string[],
  passwordOf: (user: string) => NatsUser['password'],
  workers: readonly WorkerIdentity[] = [],
): readonly NatsUser[] {
  const services = Object.keys(serviceAccess) as ServiceName[];
  const permissions: readonly (readonly [string, NatsPermissions])[] = [
    [operatorUser, operatorPermissions],
    ...services.map((name) => [name, permissionsOf(name, serviceAccess[name])] as const),
    ...tenants.map((tenantId) => [subscriberUser(tenantId), subscriberPermissions(tenantId)] as const),
    ...workers.map((worker) => [customWorkerUser(worker), customWorkerPermissions(worker)] as const),
  ];
  return permissions.map(([user, allowed]) => ({ user, password: passwordOf(user), permissions: allowed }));
}

/** An `authorization` block for nats-server 2.9 or later. It holds the passwords that were given as text. */
export function renderUsers(users: readonly NatsUser[]): string {
  return `authorization {\n  users: [\n${users.map(renderUser).join('')}  ]\n}\n`;
}

function renderUser({ user, password, permissions }: NatsUser): string {
  const secret = typeof password === 'string' ? JSON.stringify(password) : `$${password.variable}`;
  const rules = Object.entries(permissions).map(([name, rule]) => `        ${name}: ${JSON.stringify(rule)}\n`);
  return [
    `    {\n      user: ${JSON.stringify(user)}\n      password: ${secret}\n`,
    `      permissions: {\n${rules.join('')}      }\n    }\n`,
  ].join('');
}
