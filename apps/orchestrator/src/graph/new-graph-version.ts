import { digestOf, parseGraphSource, validateGraph } from '@millrace/workflow';
import type { Violation } from '@millrace/kernel';
import type { NewGraphVersion } from './graph.store.js';

/** A graph document (YAML or JSON text) as a version to publish, or what is wrong with it. */
export function newGraphVersion(source: string): NewGraphVersion | { readonly violations: readonly Violation[] } {
  const parsed = parseGraphSource(source);
  if ('violations' in parsed) return parsed;
  const validated = validateGraph(parsed.document);
  if ('violations' in validated) return validated;
  const { name, description } = validated.graph.metadata;
  return { name, description, digest: digestOf(parsed.document), document: parsed.document };
}
