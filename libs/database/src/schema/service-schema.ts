import { MillraceError } from '@millrace/kernel';

/** The names under which a service lives in a database. All are safe as SQL identifiers. */
export interface ServiceSchema {
  readonly service: string;
  readonly schema: string;
  /** The role of `forTenant`: subject to row-level security. */
  readonly tenantRole: string;
  /** The role of `asService`: all tenants, and only the tables that migrations granted. */
  readonly serviceRole: string;
}

const serviceName = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const longestServiceName = 40;

/** @throws MillraceError `invalid_service_name` */
export function serviceSchema(service: string): ServiceSchema {
  if (!serviceName.test(service) || service.length > longestServiceName) {
    throw new MillraceError(
      'invalid',
      'invalid_service_name',
      `"${service}" cannot name a database schema: use at most ${longestServiceName} lower-case letters, digits and single dashes.`,
    );
  }
  const schema = service.replaceAll('-', '_');
  return { service, schema, ...rolesOf(schema) };
}

/** Roles belong to the whole server, so their names say whose they are. */
export const rolesOf = (schema: string): Pick<ServiceSchema, 'tenantRole' | 'serviceRole'> => ({
  tenantRole: `millrace_${schema}_tenant`,
  serviceRole: `millrace_${schema}_service`,
});

/** Unqualified names mean the service's tables; `public` is where extensions put their types and operators. */
export const searchPathOf = (schema: string): string => `${schema},public`;
