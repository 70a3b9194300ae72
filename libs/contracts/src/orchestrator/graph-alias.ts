/** Names for versions of a graph that can be moved to another version: `live`, `next`. */
import { z } from 'zod';
import { defineCommand } from '../contract.js';
import { nameSchema } from '../shared.js';

/** Begins with a letter, so that it is never taken for a version. */
export const aliasNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must begin with a letter: at most 63 of a-z, 0-9, _ and -');

export const graphAliasSchema = z.object({
  graph: nameSchema,
  alias: aliasNameSchema,
  version: z.int().positive(),
  updatedAt: z.iso.datetime(),
});
export type GraphAlias = z.infer<typeof graphAliasSchema>;

const about = { owner: 'orchestrator', entity: 'graph-alias', version: 1 } as const;

/** Refuses with `unknown_graph` where there is no such version, `too_many_aliases`. */
export const setGraphAlias = defineCommand({
  ...about,
  action: 'set',
  summary: 'Makes an alias mean a version of a graph from now on.',
  request: z.object({ graph: nameSchema, alias: aliasNameSchema, version: z.int().positive() }),
  response: graphAliasSchema,
});

export const listGraphAliases = defineCommand({
  ...about,
  action: 'list',
  summary: 'What aliases of a graph mean now.',
  request: z.object({ graph: nameSchema }),
  response: z.object({ items: z.array(graphAliasSchema) }),
});

/** Refuses with `unknown_alias`. */
export const deleteGraphAlias = defineCommand({
  ...about,
  action: 'delete',
  summary: 'Forgets an alias; the version stays.',
  request: z.object({ graph: nameSchema, alias: aliasNameSchema }),
  response: z.object({ graph: nameSchema, alias: aliasNameSchema }),
});
