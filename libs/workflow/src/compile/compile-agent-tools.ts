/**
 * The nodes of a call that an agent's model asks for. A tool of the toolbox is one node, `call`; a declared tool is the node that does
 * its work, by the tool's name, and before it an approval where it takes one:
 *
 *   research[0].rounds[2].calls[1].approval  approval
 *   research[0].rounds[2].calls[1].find      search    skipped where it was refused
 */
import type { JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import {
  approvalContext,
  approvalTitle,
  callKey,
  graphInput,
  isApproved,
  requestInput,
  seenFromAgent,
} from '../agent/call-templates.js';
import type { PlannedCall } from '../agent/plan-calls.js';
import { agentNodes } from '../agent/rules.js';
import {
  approvalDefaults,
  argumentsVariable,
  declaredTools,
  nodeOfTool,
  type DeclaredTool,
} from '../document/agent-tools.js';
import { durationMs } from '../document/duration.js';
import type { AgentNode, GraphNode } from '../document/graph-document.js';
import {
  isContainer,
  isWorker,
  type CompiledApproval,
  type CompiledMap,
  type CompiledNode,
  type CompiledScope,
  type CompiledTemplate,
  type CompiledWorker,
} from './compiled-graph.js';
import { chained, computed, literal, partOf, scopeOf } from './made-nodes.js';

export type CompileNode = (
  node: GraphNode,
  around: Pick<CompiledNode, 'index' | 'dependents' | 'choosers'>,
  variables: readonly string[],
) => CompiledNode;

/** What an item of the map over the calls consists of. `toolbox` is that of a call of the toolbox, and of one that is refused. */
export function bodyOfCalls(
  node: AgentNode,
  toolbox: CompiledScope,
  variables: readonly string[],
  compileNode: CompileNode,
): Pick<CompiledMap, 'body' | 'bodyOf'> {
  const declared = declaredTools(node);
  if (declared.length === 0) return { body: toolbox };
  const inside = [...new Set([...variables, argumentsVariable])];
  const bodies = new Map(
    declared.map(({ tool }) => {
      const compiled = compileNode(nodeOfTool(tool, node), { index: 0, dependents: [], choosers: [] }, inside);
      return [tool.name, bodyOfTool(tool, compiled)];
    }),
  );
  const all = [toolbox, ...bodies.values()].flatMap(({ nodes }) => nodes);
  // Approvals of different tools have one name: to whoever looks for what there is, one stands for all.
  const body = scopeOf([...new Map(all.map((each) => [each.id, each])).values()]);
  const bodyOf = (item: JsonValue): CompiledScope => {
    const { name, refusal } = (item ?? { refusal: '' }) as unknown as PlannedCall;
    return (refusal === null ? bodies.get(name) : undefined) ?? toolbox;
  };
  return { body, bodyOf };
}

function bodyOfTool(tool: DeclaredTool, compiled: CompiledNode): CompiledScope {
  const call = callOf(tool, compiled);
  if (tool.requireApproval === false) return scopeOf([call]);
  return chained(approvalOf(tool), { ...call, ...partPlace, when: computed(isApproved) });
}

const partPlace = { index: 1, needs: 1 } as const;

/** The node of a tool, seen from where its agent stands. */
function callOf(tool: DeclaredTool, compiled: CompiledNode): CompiledNode {
  if (compiled.kind === 'subgraph') {
    return { ...compiled, with: computed(graphInput(compiled.with)), body: keepingUsage(compiled.body) };
  }
  if (!isWorker(compiled)) return compiled;
  const seen = (template: CompiledTemplate) => computed(seenFromAgent(template));
  const { cache } = compiled;
  return {
    ...compiled,
    with: compiled.kind === 'http' ? computed(requestInput(compiled.with)) : seen(compiled.with),
    concurrency: compiled.concurrency.map(({ key, limit }) => ({ key: seen(key), limit })),
    cache: cache && { ...cache, key: cache.key && seen(cache.key) },
    // What has an effect is done each time.
    effect: cache === null ? { key: computed(callKey(tool.name)), compensate: null } : null,
    keepsUsage: true,
  };
}

/** A scope whose workers say what they used, for the budget of the agent. */
function keepingUsage(scope: CompiledScope): CompiledScope {
  const keeping = (node: CompiledNode): CompiledNode => {
    if (isWorker(node)) return { ...node, keepsUsage: true } satisfies CompiledWorker;
    if (!isContainer(node)) return node;
    const body = keepingUsage(node.body);
    if (node.kind !== 'map' || node.bodyOf === undefined) return { ...node, body };
    const { bodyOf } = node;
    const kept = new WeakMap<CompiledScope, CompiledScope>();
    const keptBody = (item: JsonValue): CompiledScope => {
      const own = bodyOf(item);
      const known = kept.get(own) ?? keepingUsage(own);
      kept.set(own, known);
      return known;
    };
    return { ...node, body, bodyOf: keptBody };
  };
  const nodes = scope.nodes.map(keeping);
  return {
    nodes,
    byId: new Map([...scope.byId, ...nodes.map((node): [string, CompiledNode] => [node.id, node])]),
    roots: nodes.filter(({ needs }) => needs === 0),
  };
}

const form = { type: 'object', properties: { reason: { type: 'string', maxLength: 2_000 } } } as const;
const formSchema = z.fromJSONSchema(form) as CompiledApproval['formSchema'];

function approvalOf(tool: DeclaredTool): CompiledApproval {
  const said = typeof tool.requireApproval === 'object' ? tool.requireApproval : {};
  return {
    ...partOf(agentNodes.approval, 0),
    kind: 'approval',
    // What is wrong with the asking is told to the model.
    continueOnError: true,
    title: computed(approvalTitle),
    with: computed(approvalContext(tool.description)),
    assignees: literal(said.assignees ?? [...approvalDefaults.assignees]),
    form,
    formSchema,
    timeoutMs: durationMs(said.deadline ?? approvalDefaults.deadline),
    onTimeout: 'reject',
    timeoutTarget: null,
    continueOnReject: true,
  };
}
