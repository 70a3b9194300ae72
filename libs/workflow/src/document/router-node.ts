/** What a `router` node hands to whoever chooses: what its document gives, and the intents without where they lead. */
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { RouterNode, WorkerNode } from './graph-document.js';

/** The input of a worker's task as the document says it: a template. */
export const taskInputOf = (node: WorkerNode): JsonObject =>
  node.kind === 'router' ? { ...node.with, intents: node.intents.map(withoutTargets) } : node.with;

const withoutTargets = ({ then: _, ...intent }: RouterNode['intents'][number]): JsonValue =>
  literal(JSON.parse(JSON.stringify(intent)) as JsonValue);

/** Intents say what people say: what looks like an expression in them is text. */
function literal(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.replaceAll('${{', () => '$${{');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(literal);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, literal(field)]));
}
