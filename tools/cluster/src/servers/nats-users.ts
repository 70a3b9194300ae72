import { installationUsers, operatorUser, renderUsers, subscriberUser } from '@millrace/messaging';
import { newPassword, type Credentials } from '../credentials/credentials.js';

/** The configuration with a user for each service, one for the operator, and those of tenants. */
export function natsConfig({ operator, services, subscribers }: Credentials): string {
  const known = new Map([
    [operatorUser, operator],
    ...Object.entries(services).map(([name, { nats }]) => [name, nats] as const),
    ...Object.entries(subscribers).map(([tenantId, password]) => [subscriberUser(tenantId), password] as const),
  ]);
  const passwordOf = (user: string): string => known.get(user) ?? newPassword();
  return renderUsers(installationUsers(Object.keys(subscribers), passwordOf));
}
