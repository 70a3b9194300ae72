/** Routers: a worker says which intent a text has; the node says how sure that must be, and where it leads. */
import type { JsonValue } from '@millrace/kernel';
import type { CompiledRoutes } from '../compile/compiled-graph.js';

/** The output of a router: what the worker said, whether it counts, and what is chosen by it (as by a branch). */
export function routed({ targets, threshold, fallback }: CompiledRoutes, said: JsonValue): JsonValue {
  const choice = typeof said === 'object' && said !== null && !Array.isArray(said) ? said : {};
  const { intent, confidence } = choice;
  const isSure = typeof confidence === 'number' && confidence >= threshold;
  const chosen = isSure && typeof intent === 'string' ? targets.get(intent) : undefined;
  return { ...choice, intent: chosen === undefined ? null : (intent ?? null), chosen: [...(chosen ?? fallback)] };
}
