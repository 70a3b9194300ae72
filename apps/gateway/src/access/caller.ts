import { type Access, type Role, roleReaches } from '@millrace/contracts';

/** Whose key a request presented. */
export interface Caller {
  readonly tenantId: string;
  readonly keyId: string;
  readonly role: Role;
}

/** Whether a role reaches what a route asks for. */
export const mayCall = (role: Role, access: Access): boolean => access === 'public' || roleReaches(role, access);
