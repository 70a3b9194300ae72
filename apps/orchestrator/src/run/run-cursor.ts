/** Where a page of runs ended. */
import { z } from 'zod';
import { readCursor } from '../cursor.js';

const cursorSchema = z.strictObject({ createdAt: z.iso.datetime(), runId: z.string().min(1).max(100) });
export type RunCursor = z.infer<typeof cursorSchema>;

/** @throws MillraceError `invalid_cursor` for what `writeCursor` has not written */
export const readRunCursor = (text: string): RunCursor => readCursor(cursorSchema, text);
