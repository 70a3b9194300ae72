/** Says whether a document is a graph that can run, or what is wrong with it: everything at once, with a path to each mistake. */
import { jsonPointer, violationsOf } from '@millrace/contracts';
import type { JsonObject, Violation } from '@millrace/kernel';
import { z } from 'zod';
import { limits } from '../limits.js';
import { boundsOf } from './bounds.js';
import { checkAttempts } from './check-attempts.js';
import { checkBudget } from './check-budget.js';
import { checkDurations } from './check-durations.js';
import { checkExpressions } from './check-expressions.js';
import { checkInputSchema } from './check-input-schema.js';
import { checkDatabases } from './check-database.js';
import { checkRouters } from './check-router.js';
import { checkSubgraphs } from './check-subgraph.js';
import { checkStructure } from './check-structure.js';
import { availableKinds, graphDocumentSchema, plannedKinds, type GraphDocument } from './graph-document.js';
import { parseGraphSource, type LineOf } from './parse-source.js';
import { suggestion } from './suggestion.js';

export type Validation = { readonly graph: GraphDocument } | { readonly violations: readonly Violation[] };

/** Never throws, whatever the document is. Reports at most 100 mistakes. */
export function validateGraph(document: unknown): Validation {
  const outside = boundsOf(document);
  if (outside.length > 0) return { violations: outside };
  const kinds = checkKinds(document);
  const parsed = graphDocumentSchema.safeParse(document);
  if (!parsed.success) {
    const shape = shapeViolations(parsed.error, kinds);
    return { violations: [...kinds, ...shape].slice(0, limits.violations) };
  }
  const graph = parsed.data;
  const structure = [
    ...checkStructure(graph),
    ...checkSubgraphs(graph),
    ...checkRouters(graph.nodes, ['nodes']),
    ...checkDatabases(graph.nodes, ['nodes']),
    ...checkInputSchema(graph.input),
    ...checkDurations(graph),
    ...checkAttempts(graph.nodes, ['nodes']),
    ...checkBudget(graph),
  ];
  const violations = structure.length > 0 ? structure : checkExpressions(graph);
  return violations.length > 0 ? { violations: violations.slice(0, limits.violations) } : { graph };
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

const allKinds: readonly string[] = [...availableKinds, ...plannedKinds];

/** Nodes of unknown kinds, and of kinds that only later versions run. */
function checkKinds(document: unknown): Violation[] {
  const violations: Violation[] = [];
  const open = [{ node: document, path: [] as (string | number)[] }];
  for (const { node, path } of open) {
    if (typeof node !== 'object' || node === null) continue;
    const { kind, nodes } = node as { kind?: unknown; nodes?: unknown };
    if (path.length > 0 && typeof kind === 'string') {
      const message = kindMessage(kind);
      if (message) violations.push({ pointer: jsonPointer([...path, 'kind']), message });
    }
    if (Array.isArray(nodes))
      nodes.forEach((inner, index) => open.push({ node: inner, path: [...path, 'nodes', index] }));
  }
  return violations;
}

function kindMessage(kind: string): string | undefined {
  if ((availableKinds as readonly string[]).includes(kind)) return undefined;
  if (allKinds.includes(kind)) return `The kind '${kind}' is not available in this version.`;
  return `There is no kind '${kind}'.${suggestion(kind, availableKinds)} Kinds: ${availableKinds.join(', ')}.`;
}

/** The schema's own findings, but for kinds that are explained already. */
function shapeViolations(error: z.core.$ZodError, kinds: readonly Violation[]): Violation[] {
  const explained = new Set(kinds.map(({ pointer }) => pointer));
  return violationsOf(error)
    .filter(({ pointer }) => !explained.has(pointer))
    .map(explain);
}

function explain({ pointer, message }: Violation): Violation {
  if (message !== 'is not a known field') return { pointer, message };
  const field = pointer.slice(pointer.lastIndexOf('/') + 1);
  return { pointer, message: `There is no field '${field}' here.${suggestion(field, knownFields)}` };
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
    'cases',
    'then',
    'default',
  ],
];

/** The JSON Schema of graph documents, for editors. */
export function graphJsonSchema(): JsonObject {
  return z.toJSONSchema(graphDocumentSchema, { io: 'input', unrepresentable: 'any' }) as JsonObject;
}
