import { digestOf, parseGraphSource, validateGraph, type GraphDocument } from '@millrace/workflow';
import type { JsonObject, Violation } from '@millrace/kernel';
import type { NewGraphVersion } from './graph.store.js';
import { pinSubgraphs, type FindGraph } from './pin-subgraphs.js';

type Violations = { readonly violations: readonly Violation[] };

/** A graph document (YAML or JSON text) as a version to publish, or what is wrong with it. */
export async function newGraphVersion(source: string, find: FindGraph): Promise<NewGraphVersion | Violations> {
  const parsed = parseGraphSource(source);
  if ('violations' in parsed) return parsed;
  const checked = await checkedGraph(parsed.document, find);
  if ('violations' in checked) return checked;
  const { document, graph } = checked;
  const { name, description } = graph.metadata;
  return { name, description, digest: digestOf(document), document };
}

/** A document that is a graph, with its subgraphs pinned, or what is wrong with it. */
export async function checkedGraph(
  given: JsonObject,
  find: FindGraph,
): Promise<{ readonly document: JsonObject; readonly graph: GraphDocument } | Violations> {
  const validated = validateGraph(given);
  if ('violations' in validated) return validated;
  const pinned = await pinSubgraphs(given, find);
  if ('violations' in pinned) return pinned;
  const { document } = pinned;
  if (document === given) return { document, graph: validated.graph };
  const whole = validateGraph(document);
  return 'violations' in whole ? whole : { document, graph: whole.graph };
}
