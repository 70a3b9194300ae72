import { jsonValueSchema } from '@millrace/contracts';
import { z } from 'zod';
import { defineTool } from './tool.js';

const mostBytes = 8 * 1024 * 1024;

/** For measuring and for trying graphs out. */
export const echo = defineTool({
  name: 'echo',
  description: 'Gives back its arguments; "bytes" adds a payload of that many characters.',
  arguments: z.object({ bytes: z.int().min(0).max(mostBytes).optional() }).catchall(jsonValueSchema),
  execute: ({ bytes, ...rest }) =>
    Promise.resolve(bytes === undefined ? rest : { ...rest, bytes, payload: 'x'.repeat(bytes) }),
});
