import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineTool } from './tool.js';

const longestMilliseconds = 60_000;

/** For measuring and for trying out timeouts and cancelling. Waiting as a step of a graph is not this: it would hold a slot. */
export const delay = defineTool({
  name: 'delay',
  description: 'Waits for a number of milliseconds, at most a minute.',
  arguments: z.strictObject({ milliseconds: z.int().min(0).max(longestMilliseconds) }),
  execute: async ({ milliseconds }, { signal }) => {
    await sleep(milliseconds, undefined, { signal });
    return { milliseconds };
  },
});
