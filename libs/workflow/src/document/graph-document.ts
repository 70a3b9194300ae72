/** Graph documents, `apiVersion: millrace/v1`: the schema is the source of the types, of the checks and of the JSON Schema for editors. */
import {
  eventPatternSchema,
  intentSchema,
  nameSchema,
  runPrioritySchema,
  taskContracts,
  type RunPriority,
  type TaskKind,
} from '@millrace/contracts';
import { z } from 'zod';
import { limits } from '../limits.js';
import { agentFields, agentTools } from './agent-fields.js';
import { declaredToolSchema } from './agent-tools.js';
import { inputSchemaSchema, type InputSchema } from './input-schema.js';
import {
  budget,
  runConcurrency,
  timeouts,
  workerPolicies,
  type BudgetDocument,
  type ConcurrencyDocument,
} from './policies.js';
import { duration, expression, template } from './scalars.js';
import { shareHint, sharePattern } from './share.js';
import { threadPolicy, type ThreadDocument } from './thread-policy.js';

const nodeId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, - or _')
  .describe('Unique in the whole graph, maps and loops included.');
const variableName = z
  .string()
  .regex(/^[a-z][a-zA-Z0-9_]{0,62}$/, 'must be a lower-case letter and then letters, digits or _');

/** The node that is gone on with; it runs only then. */
const goto = z.strictObject({ goto: nodeId.describe('A node beside this one that names it in `needs`.') });

const common = {
  id: nodeId,
  description: z.string().max(2_000).optional(),
  needs: z
    .array(nodeId)
    .max(limits.nodes)
    .default([])
    .describe('The nodes that must have ended before this one begins.'),
  when: z.union([expression, z.boolean()]).optional().describe('Where it is false, the node is skipped.'),
  onError: z
    .union([z.enum(['fail', 'continue']), goto])
    .default('fail')
    .describe(
      '`continue`: the run goes on when this node fails; nodes.<id>.error says why. `goto`: it goes on with that node.',
    ),
};

const worker = {
  ...common,
  with: z.record(z.string(), template).default({}).describe("The task's input."),
  ...workerPolicies,
};

const search = z.strictObject({ ...worker, kind: z.literal('search') });
const llm = z.strictObject({ ...worker, kind: z.literal('llm') });
const evaluate = z.strictObject({ ...worker, kind: z.literal('evaluate') });
const tool = z.strictObject({ ...worker, kind: z.literal('tool') });
const http = z.strictObject({ ...worker, kind: z.literal('http') });
const browser = z.strictObject({ ...worker, kind: z.literal('browser') });
const database = z.strictObject({ ...worker, kind: z.literal('database') });
const targets = z.array(nodeId).max(limits.nodes).describe('Nodes beside this one that name it in `needs`.');
const router = z.strictObject({
  ...worker,
  kind: z.literal('router'),
  intents: z
    .array(intentSchema.extend({ then: targets.min(1) }))
    .min(1)
    .max(50)
    .describe('What may be wanted; the one that is chooses.'),
  threshold: z.number().min(0).max(1).default(0.4).describe('How sure the choice must be, 0 to 1.'),
  fallback: targets.default([]).describe('What is chosen where no intent fits, or not surely enough.'),
});
const customWorker = z.strictObject({
  ...worker,
  kind: z.literal('worker'),
  worker: nameSchema.describe('The name under which a program of yours takes tasks.'),
  timeout: z
    .strictObject({ ...timeouts, total: duration })
    .describe('`total` is how long to wait for it: nobody may be there to do it.'),
});

const combine = z.strictObject({
  ...common,
  kind: z.literal('combine'),
  from: z
    .array(nodeId)
    .min(1)
    .max(limits.nodes)
    .optional()
    .describe('Whose outputs to combine; all of `needs` by default.'),
  mode: z
    .enum(['object', 'list', 'concat', 'merge'])
    .default('object')
    .describe('object: {id: output}; list: [output, …]; concat: lists joined; merge: objects merged, later ones win.'),
});
const transform = z.strictObject({ ...common, kind: z.literal('transform'), output: template });
const emit = z.strictObject({
  ...common,
  kind: z.literal('emit'),
  event: nameSchema.describe('The name of the event.'),
  with: z.record(z.string(), template).default({}).describe("The event's data, which is also the node's output."),
});

const branch = z.strictObject({
  ...common,
  kind: z.literal('branch'),
  cases: z
    .array(z.strictObject({ when: z.union([expression, z.boolean()]), then: targets.min(1) }))
    .min(1)
    .max(limits.cases)
    .describe('The first whose `when` is true chooses.'),
  default: targets.default([]).describe('What is chosen where no case is true; nothing by default.'),
});

const wait = z.strictObject({
  ...common,
  kind: z.literal('wait'),
  for: z.string().optional().describe('How long to wait: a duration, or one ${{ expression }} that yields one.'),
  until: z
    .string()
    .optional()
    .describe('The moment to wait for: a date and time with its zone (ISO 8601), or one ${{ expression }} of one.'),
  signal: z
    .strictObject({
      name: nameSchema.describe('The last part of POST /v1/runs/{id}/signals/{name}.'),
      filter: z
        .union([expression, z.boolean()])
        .optional()
        .describe('Sees `signal {name, data, receivedAt}`: a signal for which it is not true is left for others.'),
    })
    .optional()
    .describe('The signal to wait for. One that came before the node began counts.'),
  event: z
    .strictObject({
      subject: eventPatternSchema.describe(
        'Behind `evt.<tenant>.`, with `*` for one name and a final `>` for all that follow: `custom.order.paid.v1`, `run.completed.v1`.',
      ),
      filter: z
        .union([expression, z.boolean()])
        .optional()
        .describe('Sees `event`, a CloudEvent: one for which it is not true is let pass by.'),
    })
    .optional()
    .describe('The event to wait for. One that was published before the node began does not count.'),
  timeout: z
    .strictObject({ total: duration })
    .optional()
    .describe('How long to wait; then the node fails with timeout. Needed with `signal` and `event`.'),
});

const approval = z.strictObject({
  ...common,
  kind: z.literal('approval'),
  title: z.string().min(1).describe('What is to be decided, in one line; may hold ${{ expressions }}.'),
  with: z.record(z.string(), template).default({}).describe('What whoever decides should see.'),
  assignees: z
    .array(z.string())
    .min(1)
    .max(50)
    .describe(
      'Who may decide: role:viewer, role:editor or role:admin (that role or one above it), or key:<id of a key>.',
    ),
  form: inputSchemaSchema.default({ type: 'object' }).describe('A JSON Schema for the data that a decision brings.'),
  deadline: duration.describe('How long there is to decide.'),
  onTimeout: z
    .union([z.enum(['approve', 'reject', 'fail']), goto])
    .describe(
      'At the deadline: as if it were approved or rejected, or the node fails, or the run goes on with another.',
    ),
  onReject: z
    .enum(['fail', 'continue'])
    .default('fail')
    .describe('`continue`: the run goes on, nodes.<id>.output.decision says `rejected`.'),
});

const map = z.strictObject({
  ...common,
  kind: z.literal('map'),
  over: z.union([expression, z.array(template)]).describe('A list: each element runs the nodes inside once.'),
  as: variableName.default('item').describe('What expressions inside call the element; `index` is its number from 0.'),
  maxParallel: z.int().min(1).max(limits.mapItems).default(8),
  tolerate: z
    .strictObject({
      failures: z
        .union([z.int().min(0).max(limits.mapItems), z.string().regex(sharePattern, shareHint)])
        .describe('A number of items, or a share of them such as 10%, rounded down.'),
    })
    .optional()
    .describe('How many items may fail before the map does; their outputs are null, nodes.<id>.failures says why.'),
  get nodes() {
    return z.array(nodeSchema).min(1);
  },
  output: template.optional().describe("An element's output; the node's output is their list. Null by default."),
});
const loop = z.strictObject({
  ...common,
  kind: z.literal('loop'),
  maxRounds: z.int().min(1).max(limits.loopRounds),
  until: z
    .union([expression, z.boolean()])
    .optional()
    .describe('Evaluated after each round; where it is true, the loop ends.'),
  get nodes() {
    return z.array(nodeSchema).min(1);
  },
  output: template.optional().describe("A round's output, which the next round sees as `previous`."),
  keep: z
    .union([z.literal('last'), z.strictObject({ best: expression })])
    .default('last')
    .describe('Which round is the output when `until` was never true: the last, or the one with the highest number.'),
  onExhausted: z
    .union([z.enum(['fail', 'continue']), goto])
    .default('continue')
    .describe(
      'When `until` was never true: the node completes with the round that is kept, or it fails with loop_exhausted, or the run goes on with another node; `nodes.<id>.output` is the round that is kept in each case.',
    ),
});

const graphReference = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}(@[1-9][0-9]{0,8})?$/, 'must be NAME or NAME@VERSION');
const pinned = (): z.ZodType<SubgraphNode['pinned']> =>
  z
    .strictObject({
      name: nameSchema,
      version: z.int().positive(),
      digest: z.string(),
      document: graphDocumentSchema,
    })
    .optional()
    .describe('The version that `graph` means: filled in when this graph is published.');
const subgraph = z.strictObject({
  ...common,
  kind: z.literal('subgraph'),
  graph: graphReference.describe('A published graph. Without a version: the newest when this graph is published.'),
  with: z.record(z.string(), template).default({}).describe('Its input.'),
  timeout: z.strictObject({ total: duration }).optional().describe('How long it may take; then the node fails.'),
  get pinned() {
    return pinned();
  },
});

const agent = z.strictObject({
  ...common,
  kind: z.literal('agent'),
  ...agentFields,
  tools: agentTools(declaredToolSchema(graphReference, pinned)),
});

const nodeSchema: z.ZodType<GraphNode> = z.discriminatedUnion('kind', [
  search,
  llm,
  evaluate,
  tool,
  http,
  browser,
  database,
  router,
  customWorker,
  combine,
  transform,
  emit,
  branch,
  wait,
  approval,
  map,
  loop,
  subgraph,
  agent,
]);

type Common = Pick<z.infer<typeof transform>, 'id' | 'description' | 'needs' | 'when' | 'onError'>;
type Worker = Omit<z.infer<typeof search>, 'kind'>;
type Json = z.infer<typeof template>;

export type CustomWorkerNode = z.infer<typeof customWorker>;
export type RouterNode = z.infer<typeof router>;
/** A node that a worker executes: the kinds of `taskContracts`. */
export type WorkerNode =
  (Worker & { readonly kind: Exclude<TaskKind, 'worker' | 'router'> }) | CustomWorkerNode | RouterNode;
export type CombineNode = z.infer<typeof combine>;
type TransformNode = z.infer<typeof transform>;
type EmitNode = z.infer<typeof emit>;
export type BranchNode = z.infer<typeof branch>;
export type WaitNode = z.infer<typeof wait>;
export type AgentNode = z.infer<typeof agent>;
export type ApprovalNode = z.infer<typeof approval>;
export type MapNode = Common & {
  kind: 'map';
  over: string | Json[];
  as: string;
  maxParallel: number;
  tolerate?: { failures: number | string } | undefined;
  nodes: GraphNode[];
  output?: Json;
};
export type LoopNode = Common & {
  kind: 'loop';
  maxRounds: number;
  until?: string | boolean;
  nodes: GraphNode[];
  output?: Json;
  keep: 'last' | { best: string };
  onExhausted: 'fail' | 'continue' | { goto: string };
};
export type SubgraphNode = Common & {
  kind: 'subgraph';
  graph: string;
  with: Record<string, Json>;
  timeout?: { total: string } | undefined;
  pinned?: { name: string; version: number; digest: string; document: GraphDocument } | undefined;
};
export type GraphNode =
  | WorkerNode
  | CombineNode
  | TransformNode
  | EmitNode
  | BranchNode
  | WaitNode
  | ApprovalNode
  | MapNode
  | LoopNode
  | SubgraphNode
  | AgentNode;

export interface GraphDocument {
  apiVersion: 'millrace/v1';
  kind: 'Graph';
  metadata: { name: string; description: string };
  input: InputSchema;
  timeout?: string | undefined;
  budget?: BudgetDocument | undefined;
  priority?: RunPriority | undefined;
  thread?: ThreadDocument | undefined;
  concurrency?: ConcurrencyDocument | undefined;
  nodes: GraphNode[];
  output?: Json | undefined;
}

export const graphDocumentSchema = z.strictObject({
  apiVersion: z.literal('millrace/v1'),
  kind: z.literal('Graph'),
  metadata: z.strictObject({ name: nameSchema, description: z.string().max(2_000).default('') }),
  input: inputSchemaSchema.default({ type: 'object' }).describe("A JSON Schema for the run's input."),
  timeout: duration.optional().describe('How long a run may take; then it fails with run_timeout.'),
  budget: budget.optional().describe('Looked at before each attempt of a node that a worker executes.'),
  priority: runPrioritySchema
    .optional()
    .describe("Whose tasks go first where the tenant's wait for workers, unless the start of a run says another."),
  thread: threadPolicy.optional().describe('For runs that are in a thread.'),
  concurrency: runConcurrency.optional(),
  nodes: z.array(nodeSchema).min(1),
  output: template.optional().describe("The run's output. Null by default."),
});

const workerKinds = Object.keys(taskContracts) as TaskKind[];
export const availableKinds = [
  ...workerKinds,
  'combine',
  'transform',
  'emit',
  'branch',
  'wait',
  'approval',
  'map',
  'loop',
  'subgraph',
  'agent',
] as const;

const workerKindSet: ReadonlySet<string> = new Set(workerKinds);

export const isWorkerNode = (node: GraphNode): node is WorkerNode => workerKindSet.has(node.kind);

export const isContainer = (node: GraphNode): node is MapNode | LoopNode => node.kind === 'map' || node.kind === 'loop';
