import { violationsOf } from '@millrace/contracts';
import type { JsonObject, Violation } from '@millrace/kernel';
import type { CompiledGraph } from '../compile/compiled-graph.js';

/** A run's input with the graph's defaults filled in, or what is wrong with it. */
export function checkInput(
  graph: CompiledGraph,
  input: JsonObject,
): { readonly input: JsonObject } | { readonly violations: readonly Violation[] } {
  const parsed = graph.input.safeParse(input);
  return parsed.success ? { input: parsed.data } : { violations: violationsOf(parsed.error) };
}
