/** The tools of an agent that are the work of other nodes: what their author fixes, and what a model may fill in. */
import { nameSchema } from '@millrace/contracts';
import { z } from 'zod';
import type { AgentNode, GraphNode, SubgraphNode } from './graph-document.js';
import { inputSchemaSchema, type InputSchema } from './input-schema.js';
import { timeouts, workerPolicies } from './policies.js';
import { duration, template } from './scalars.js';

/** What the expressions of such a tool call what the model gave. */
export const argumentsVariable = 'arguments';

/** Names of the steps of a call that are no tool's. */
export const reservedToolNames: ReadonlySet<string> = new Set(['finish', 'call', 'approval']);

const parameters = inputSchemaSchema
  .default({ type: 'object', properties: {} })
  .describe('A JSON Schema for what the model fills in. Fields that it does not name are refused.');

const requireApproval = z
  .union([
    z.boolean(),
    z.strictObject({
      assignees: z.array(z.string()).min(1).max(50).optional().describe('Who may decide; role:editor by default.'),
      deadline: duration.optional().describe('How long there is to decide, 24h by default; then the call is refused.'),
    }),
  ])
  .default(false)
  .describe('Whether somebody has to approve each call, with its arguments, before it is made.');

const common = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, - or _, and begin with a letter')
    .describe('What the model calls it; also the name of its step.'),
  description: z.string().min(1).max(2_000).describe('What it does, as the model is told.'),
  requireApproval,
};

const { concurrency, lane, estimate, cache } = workerPolicies;
const work = {
  ...common,
  parameters,
  with: z
    .record(z.string(), template)
    .default({})
    .describe('The input of the task. Its expressions see what those of the agent see, and `arguments`.'),
  retry: workerPolicies.retry.unwrap().optional().describe('That of the agent by default.'),
  timeout: z.strictObject(timeouts).optional().describe('`attempt` and `idle` are those of the agent by default.'),
  concurrency,
  lane,
  estimate,
  cache,
};

type Template = z.infer<typeof template>;
type Common = z.infer<z.ZodObject<typeof common>>;
type Work = z.infer<z.ZodObject<typeof work>>;
export type WorkTool =
  | (Work & { kind: 'search' | 'browser' | 'http' | 'database' })
  | (Work & { kind: 'worker'; worker: string; timeout: { total: string } & NonNullable<Work['timeout']> });
export type SubgraphTool = Common & {
  kind: 'subgraph';
  graph: string;
  with: Record<string, Template>;
  timeout?: { total: string } | undefined;
  pinned?: SubgraphNode['pinned'];
};
export type DeclaredTool = WorkTool | SubgraphTool;

/** `pinned` is the schema of what publishing fills in: graph documents hold it, and this. */
export const declaredToolSchema = (
  graph: z.ZodString,
  pinned: () => z.ZodType<SubgraphNode['pinned']>,
): z.ZodType<DeclaredTool> =>
  z.discriminatedUnion('kind', [
    z.strictObject({ ...work, kind: z.literal('search') }),
    z.strictObject({ ...work, kind: z.literal('browser') }),
    z.strictObject({ ...work, kind: z.literal('http') }),
    z.strictObject({ ...work, kind: z.literal('database') }),
    z.strictObject({
      ...work,
      kind: z.literal('worker'),
      worker: nameSchema.describe('The name under which a program of yours takes tasks.'),
      timeout: z.strictObject({ ...timeouts, total: duration }),
    }),
    z.strictObject({
      ...common,
      kind: z.literal('subgraph'),
      graph: graph.describe('A published graph. Its input is what the model fills in, but for what `with` fixes.'),
      with: z.record(z.string(), template).default({}).describe('Fields of its input that the model does not fill in.'),
      timeout: z.strictObject({ total: duration }).optional().describe('How long a call may take; then it fails.'),
      get pinned() {
        return pinned();
      },
    }),
  ]);

/** The tools of an agent that are declared, each with its place among its tools. */
export const declaredTools = ({ tools }: Pick<AgentNode, 'tools'>): { tool: DeclaredTool; index: number }[] =>
  tools.flatMap((tool, index) => (typeof tool === 'string' ? [] : [{ tool, index }]));

/** The node that does the work of a tool. What the tool does not say of how it is done, the agent says. */
export function nodeOfTool(tool: DeclaredTool, agent: Pick<AgentNode, 'retry' | 'timeout'>): GraphNode {
  const around = { id: tool.name, needs: [], onError: 'continue' as const };
  if (tool.kind === 'subgraph') {
    const { graph, with: given, timeout, pinned } = tool;
    return { ...around, kind: 'subgraph', graph, with: given, timeout, pinned };
  }
  const { name: _name, description: _description, parameters: _parameters, requireApproval: _asked, ...rest } = tool;
  const { attempt, idle } = agent.timeout ?? {};
  const limits = { ...(attempt !== undefined && { attempt }), ...(idle !== undefined && { idle }), ...tool.timeout };
  const timeout = Object.keys(limits).length > 0 ? limits : undefined;
  return { ...rest, ...around, retry: tool.retry ?? agent.retry, timeout } as GraphNode;
}

/** The nodes of an agent's declared tools, with their places; `place` is the agent's. */
export const nodesOfTools = (agent: AgentNode, place: readonly (string | number)[]) =>
  declaredTools(agent).map(({ tool, index }) => ({
    tool,
    node: nodeOfTool(tool, agent),
    place: [...place, 'tools', index],
  }));

/** The graphs that an agent may call, as nodes. */
export const subgraphsOfTools = (agent: AgentNode): { node: SubgraphNode; index: number }[] =>
  declaredTools(agent).flatMap(({ tool, index }) => {
    const node = nodeOfTool(tool, agent);
    return node.kind === 'subgraph' ? [{ node, index }] : [];
  });

/** What a model may fill in; null for a graph of which nobody has said yet which version is meant. */
export function parametersOf(tool: DeclaredTool): InputSchema | null {
  if (tool.kind !== 'subgraph') return closed(tool.parameters);
  const input = tool.pinned?.document.input;
  if (input === undefined) return null;
  const isFree = (name: string) => !Object.hasOwn(tool.with, name);
  const { properties = {}, required = [], ...rest } = input;
  const free = Object.fromEntries(Object.entries(properties).filter(([name]) => isFree(name)));
  return closed({ ...rest, properties: free, required: required.filter(isFree) });
}

/** The same schema, in which objects have the fields that are described and no other, unless it says so. */
function closed<Schema extends InputSchema | NonNullable<InputSchema['items']>>(
  schema: Schema,
  isInside = false,
): Schema {
  const { properties, items } = schema;
  const isOpen = schema.additionalProperties !== undefined || (isInside && properties === undefined);
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, closed(field, true)])),
    }),
    ...(items && { items: closed(items, true) }),
    ...(schema.type === 'object' && !isOpen && { additionalProperties: false }),
  };
}

/** How long there is to approve a call, and who may, where nothing is said. */
export const approvalDefaults = { deadline: '24h', assignees: ['role:editor'] } as const;
