import type { Access, Role } from '@millrace/contracts';

/** Whose key a request presented. */
export interface Caller {
  readonly tenantId: string;
  readonly keyId: string;
  readonly role: Role;
}

const ranks: Readonly<Record<Role, number>> = { viewer: 1, editor: 2, admin: 3 };

/** Whether a role reaches what a route asks for. */
export const mayCall = (role: Role, access: Access): boolean => access === 'public' || ranks[role] >= ranks[access];
