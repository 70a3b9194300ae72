import {
  operatorPermissions,
  permissionsOf,
  renderUsers,
  serviceAccess,
  subscriberPermissions,
  type NatsUser,
} from '@millrace/messaging';
import type { Credentials } from '../credentials/credentials.js';
import { services } from '../services.js';

export const operator = 'operator';

/** The user who sees the events of a tenant. */
export const subscriberOf = (tenantId: string): string => `events-${tenantId}`;

/** The configuration with a user for each service, one for the operator, and those of tenants. */
export function natsConfig({ operator: password, services: secrets, subscribers }: Credentials): string {
  const users: NatsUser[] = [
    { user: operator, password, permissions: operatorPermissions },
    ...services.map(({ name }) => ({
      user: name,
      password: secrets[name]?.nats ?? '',
      permissions: permissionsOf(name, serviceAccess[name]),
    })),
    ...Object.entries(subscribers).map(([tenantId, secret]) => ({
      user: subscriberOf(tenantId),
      password: secret,
      permissions: subscriberPermissions(tenantId),
    })),
  ];
  return renderUsers(users);
}
