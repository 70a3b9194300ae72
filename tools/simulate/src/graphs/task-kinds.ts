import { taskContracts, type TaskKind } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';

const isTaskKind = (kind: string): kind is TaskKind => kind in taskContracts;

const kindsIn = (holder: JsonObject): string[] =>
  ((holder['nodes'] ?? []) as JsonObject[]).flatMap((node) => [
    node['kind'] as string,
    ...kindsIn(node),
    ...kindsOfTools(node),
  ]);

/** Of what an agent declares: tools that only have a name are of the toolbox. */
const kindsOfTools = (node: JsonObject): string[] =>
  ((node['tools'] ?? []) as (string | JsonObject)[]).flatMap((tool) =>
    typeof tool === 'string' ? [] : [tool['kind'] as string],
  );

/** What nodes that are no tasks themselves consist of. */
const parts: Readonly<Record<string, readonly TaskKind[]>> = { agent: ['llm', 'tool'], subgraph: ['tool'] };

/** The kinds of tasks that runs of these graphs may have. What was done is taken back by tools. */
export const taskKindsOf = (graphs: readonly JsonObject[]): ReadonlySet<TaskKind> =>
  new Set([
    'tool' as const,
    ...graphs.flatMap(kindsIn).flatMap((kind) => parts[kind] ?? (isTaskKind(kind) ? [kind] : [])),
  ]);
