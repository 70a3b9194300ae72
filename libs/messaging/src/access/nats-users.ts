/** The users of an installation as part of a nats-server's configuration. */
import type { NatsPermissions } from './nats-permissions.js';

export interface NatsUser {
  readonly user: string;
  /** The password itself, or the environment variable of the server that holds it. */
  readonly password: string | { readonly variable: string };
  readonly permissions: NatsPermissions;
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
