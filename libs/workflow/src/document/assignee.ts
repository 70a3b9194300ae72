/** Who may decide on an approval: a role or one above it, or one key. */
import { type Decider, roleReaches, roleSchema } from '@millrace/contracts';

const pattern = /^(?:role:(viewer|editor|admin)|key:([A-Za-z0-9_-]{1,100}))$/;

export const assigneeHint = 'must be role:viewer, role:editor, role:admin or key:<id of a key>';

export const isAssignee = (text: string): boolean => pattern.test(text);

/** Whether a key is among the assignees. */
export function mayDecide(assignees: readonly string[], { keyId, role }: Decider): boolean {
  return assignees.some((assignee) => {
    const [, asked, key] = pattern.exec(assignee) ?? [];
    return asked === undefined ? key === keyId : roleReaches(role, roleSchema.parse(asked));
  });
}
