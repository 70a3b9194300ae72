/** Parts of what the engine makes by itself of a node that its document says more briefly. */
import type { JsonValue } from '@millrace/kernel';
import type { CompiledNode, CompiledScope, CompiledTemplate } from './compiled-graph.js';

export const literal = (value: JsonValue): CompiledTemplate => ({
  template: { kind: 'literal', value },
  references: [],
});

export const computed = (compute: NonNullable<CompiledTemplate['compute']>): CompiledTemplate => ({
  template: { kind: 'literal', value: null },
  references: [],
  compute,
});

/** A node that waits for the one before it, or for none. */
export const partOf = (id: string, needs: number) => ({
  id,
  index: needs,
  needs,
  dependents: [] as CompiledNode[],
  when: null,
  continueOnError: false,
  errorTarget: null,
  choosers: [],
});

export const scopeOf = (nodes: readonly CompiledNode[]): CompiledScope => ({
  nodes,
  byId: new Map(nodes.map((node) => [node.id, node])),
  roots: nodes.filter(({ needs }) => needs === 0),
});

/** Two nodes, the second after the first. */
export function chained(first: CompiledNode, second: CompiledNode): CompiledScope {
  return scopeOf([{ ...first, dependents: [second] }, second]);
}
