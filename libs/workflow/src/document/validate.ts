/** Says whether a document is a graph that can run, or what is wrong with it: everything at once, with a path to each mistake. */
import { jsonPointer, violationsOf } from '@millrace/contracts';
import type { JsonObject, Violation } from '@millrace/kernel';
import { z } from 'zod';
import { limits } from '../limits.js';
import { boundsOf } from './bounds.js';
import { brief } from './brief.js';
import { checkAttempts } from './check-attempts.js';
import { checkBudget } from './check-budget.js';
import { checkDurations } from './check-durations.js';
import { checkExpressions } from './check-expressions.js';
import { checkInputSchema } from './check-input-schema.js';
import { checkDatabases } from './check-database.js';
import { checkRouters } from './check-router.js';
import { checkSubgraphs } from './check-subgraph.js';
import { checkStructure, tooManyNodes } from './check-structure.js';
import { availableKinds, graphDocumentSchema, type GraphDocument } from './graph-document.js';
import { lookAlikeAt, lookAlikeIn } from './look-alike.js';
import { parseGraphSource, type LineOf } from './parse-source.js';
import { suggestion } from './suggestion.js';

export type Validation = { readonly graph: GraphDocument } | { readonly violations: readonly Violation[] };

/** Never throws, whatever the document is. Reports at most 100 mistakes. */
export function validateGraph(document: unknown): Validation {
  const outside = boundsOf(document);
  if (outside.length > 0) return { violations: brief(outside) };
  const placed = placedNodes(document);
  // Counted before the schema looks at each of them.
  if (placed.length > limits.nodes) return { violations: [tooManyNodes(placed.length)] };
  const kinds = checkKinds(placed);
  const parsed = graphDocumentSchema.safeParse(document);
  if (!parsed.success) {
    const shape = shapeViolations(parsed.error, kinds, document);
    return { violations: brief([...kinds, ...shape]) };
  }
  const graph = parsed.data;
  const structure = [
    ...checkStructure(graph),
    ...checkSubgraphs(graph),
    ...checkRouters(graph.nodes, ['nodes']),
    ...checkDatabases(graph.nodes, ['nodes']),
    ...checkInputSchema(graph.input, { left: limits.defaultSchemas }),
    ...checkDurations(graph),
    ...checkAttempts(graph.nodes, ['nodes']),
    ...checkBudget(graph),
  ];
  const violations = structure.length > 0 ? structure : checkExpressions(graph);
  return violations.length > 0 ? { violations: brief(violations) } : { graph };
}

/** Reads and validates the text of a graph; mistakes come with their line. Never throws. */
export function readGraph(
  source: string,
): { readonly graph: GraphDocument; readonly document: JsonObject } | { readonly violations: readonly Violation[] } {
  const parsed = parseGraphSource(source);
  if ('violations' in parsed) return parsed;
  const validation = validateGraph(parsed.document);
  if ('graph' in validation) return { ...validation, document: parsed.document };
  return { violations: validation.violations.map((violation) => withLine(violation, parsed.lineOf)) };
}

function withLine({ pointer, message }: Violation, lineOf: LineOf): Violation {
  const path = pointer.split('/').slice(1);
  const line = lineOf(path.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')));
  return { pointer, message: line === undefined ? message : `${message} (line ${line})` };
}

interface Placed {
  readonly node: unknown;
  readonly path: readonly (string | number)[];
}

/** Whatever stands where nodes stand, at any depth; ends soon after there are more than a graph has. */
function placedNodes(document: unknown): Placed[] {
  const open: Placed[] = [{ node: document, path: [] }];
  for (const { node, path } of open) {
    if (open.length > limits.nodes + 1) break;
    if (typeof node !== 'object' || node === null) continue;
    const { nodes } = node as { nodes?: unknown };
    if (Array.isArray(nodes))
      nodes.forEach((inner, index) => open.push({ node: inner, path: [...path, 'nodes', index] }));
  }
  return open.slice(1);
}

/** Nodes of unknown kinds. */
function checkKinds(placed: readonly Placed[]): Violation[] {
  const violations: Violation[] = [];
  for (const { node, path } of placed) {
    if (violations.length >= limits.violations) break;
    if (typeof node !== 'object' || node === null) continue;
    const { kind } = node as { kind?: unknown };
    const message = typeof kind === 'string' ? kindMessage(kind) : undefined;
    if (message) violations.push({ pointer: jsonPointer([...path, 'kind']), message });
  }
  return violations;
}

function kindMessage(kind: string): string | undefined {
  if ((availableKinds as readonly string[]).includes(kind)) return undefined;
  return `There is no kind '${kind}'.${suggestion(kind, availableKinds)} Kinds: ${availableKinds.join(', ')}.`;
}

/** The schema's own findings, but for kinds that are explained already. */
function shapeViolations(error: z.core.$ZodError, kinds: readonly Violation[], document: unknown): Violation[] {
  const explained = new Set(kinds.map(({ pointer }) => pointer));
  return violationsOf(error)
    .filter(({ pointer }) => !explained.has(pointer))
    .map((violation) => explain(violation, document));
}

function explain({ pointer, message }: Violation, document: unknown): Violation {
  if (message !== 'is not a known field') {
    return { pointer, message: message.startsWith('must be ') ? message + lookAlikeAt(document, pointer) : message };
  }
  const field = pointer.slice(pointer.lastIndexOf('/') + 1);
  return {
    pointer,
    message: `There is no field '${field}' here.${suggestion(field, knownFields)}${lookAlikeIn(field)}`,
  };
}

const knownFields: readonly string[] = [
  ...Object.keys(graphDocumentSchema.shape),
  ...[
    'id',
    'description',
    'needs',
    'when',
    'onError',
    'with',
    'retry',
    'maxAttempts',
    'backoff',
    'initial',
    'max',
    'factor',
  ],
  ...[
    'on',
    'total',
    'attempt',
    'idle',
    'from',
    'mode',
    'event',
    'over',
    'as',
    'maxParallel',
    'maxRounds',
    'until',
    'keep',
    'best',
    'name',
    'for',
    'signal',
    'filter',
    'timeout',
    'title',
    'assignees',
    'form',
    'deadline',
    'onTimeout',
    'onReject',
    'goto',
    'tolerate',
    'failures',
    'onExhausted',
    'effect',
    'budget',
    'usd',
    'wallClock',
    'onExceed',
    'estimate',
    'cache',
    'ttl',
    'concurrency',
    'key',
    'limit',
    'idempotencyKey',
    'compensate',
    'tool',
    'arguments',
    'tools',
    'maxToolCalls',
    'parameters',
    'requireApproval',
    'lane',
    'cases',
    'then',
    'default',
    'onBusy',
    'state',
  ],
];

/** The JSON Schema of graph documents, for editors. */
export function graphJsonSchema(): JsonObject {
  return z.toJSONSchema(graphDocumentSchema, { io: 'input', unrepresentable: 'any' }) as JsonObject;
}
