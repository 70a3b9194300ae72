/** Where a page of approvals ended: opaque to callers. */
import { approvalIdSchema } from '@millrace/contracts';
import { z } from 'zod';
import { readCursor } from '../cursor.js';

const cursorSchema = z.strictObject({ requestedAt: z.iso.datetime(), approvalId: approvalIdSchema });
export type ApprovalCursor = z.infer<typeof cursorSchema>;

/** @throws MillraceError `invalid_cursor` for what `writeCursor` has not written */
export const readApprovalCursor = (text: string): ApprovalCursor => readCursor(cursorSchema, text);
