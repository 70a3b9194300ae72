/**
 * What differs between two versions of a graph, node by node, whatever a run of it has done. A run may move from one to the other where
 * that can go on from what the run has done (`engine/migrate-run.ts`).
 */
import type { JsonObject } from '@millrace/kernel';
import type { ValueType } from '../expression/types.js';
import { canonicalize } from './canonical.js';
import { outputTypesOf } from './check-expressions.js';
import { graphDocumentSchema, type GraphDocument, type GraphNode } from './graph-document.js';

/** How a node of the first graph stands in the second one. */
export type NodeChange =
  | { readonly kind: 'missing' }
  | { readonly kind: 'other-kind'; readonly before: string; readonly now: string }
  | {
      readonly kind: 'there';
      /** Whether it does the same, whatever it needs and however it is described. */
      readonly isSame: boolean;
      /** Whether what the first one yields can be read as what the second one yields. */
      readonly fitsOutput: boolean;
      readonly compensates: boolean;
    };

/** By id, for every node of the first graph itself; what is inside of a map, a loop or a subgraph is part of that. */
export type GraphComparison = ReadonlyMap<string, NodeChange>;

/** Expects documents that were published. */
export function compareGraphs(from: GraphDocument | JsonObject, to: GraphDocument | JsonObject): GraphComparison {
  const [before, after] = [graphDocumentSchema.parse(from), graphDocumentSchema.parse(to)];
  const [typesBefore, typesAfter] = [outputTypesOf(before), outputTypesOf(after)];
  const nodes = new Map(after.nodes.map((node) => [node.id, node]));
  return new Map(
    before.nodes.map((node) => [
      node.id,
      changeOf(node, nodes.get(node.id), typesBefore.get(node.id), typesAfter.get(node.id)),
    ]),
  );
}

function changeOf(
  before: GraphNode,
  now: GraphNode | undefined,
  typeBefore: ValueType | undefined,
  typeNow: ValueType | undefined,
): NodeChange {
  if (now === undefined) return { kind: 'missing' };
  if (now.kind !== before.kind) return { kind: 'other-kind', before: before.kind, now: now.kind };
  return {
    kind: 'there',
    isSame: meaningOf(before) === meaningOf(now),
    fitsOutput: typeBefore === undefined || typeNow === undefined || isReadableAs(typeBefore, typeNow),
    compensates: 'effect' in now && now.effect?.compensate !== undefined,
  };
}

const meaningOf = ({ description: _description, needs: _needs, ...node }: GraphNode): string =>
  canonicalize(JSON.parse(JSON.stringify(node)));

/** Whether every value of one type may be read where another is expected. */
function isReadableAs(given: ValueType, expected: ValueType): boolean {
  if (expected.kind === 'any') return true;
  if (expected.kind === 'list') return given.kind === 'list' && isReadableAs(given.element, expected.element);
  if (expected.kind === 'object') {
    if (given.kind !== 'object') return false;
    return [...expected.fields].every(([name, field]) => {
      const found = given.fields.get(name);
      return found !== undefined && isReadableAs(found, field);
    });
  }
  return given.kind === expected.kind;
}
