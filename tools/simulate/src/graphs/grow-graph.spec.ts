import { describe, expect, it } from '@jest/globals';
import { Dice } from '@millrace/chaos/dice';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { graphJsonSchema, validateGraph } from '@millrace/workflow';
import { growGraph } from './grow-graph.js';

const graphs = Array.from({ length: 2_000 }, (_, seed) => growGraph(new Dice(seed, 'graphs')));
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

describe('grown graphs', () => {
  it('can all be published', () => {
    for (const graph of graphs.slice(0, 500)) expect(validateGraph(graph)).not.toHaveProperty('violations');
  });

  it('have every kind of node and every field that the schema of graphs has', () => {
    const grown = new Set<string>();
    for (const graph of graphs) {
      noteFields('graph', graph, grown);
      for (const node of nodesOf(graph)) noteFields(node['kind'] as string, node, grown);
    }
    const wanted = fieldsOfSchema();
    expect(wanted.length).toBeGreaterThan(60);
    expect(wanted.filter((field) => !grown.has(field) && !isOfForm(field) && !isFilledIn(field))).toEqual([]);
  });
});

/** A form is a JSON Schema, and so is what an answer must fit: their words are none of the graph's. */
const isOfForm = (field: string): boolean => /^(approval\.form|agent\.output)\./.test(field);

/** Publishing fills it in, and takes nobody's word for it. */
const isFilledIn = (field: string): boolean => field.startsWith('subgraph.pinned');

const nodesOf = (holder: JsonObject): JsonObject[] =>
  ((holder['nodes'] ?? []) as JsonObject[]).flatMap((node) => [node, ...nodesOf(node)]);

/** Notes `kind.field`, and for the policies inside of a field `kind.field.part`. */
function noteFields(kind: string, holder: JsonObject, noted: Set<string>): void {
  for (const [name, value] of Object.entries(holder)) {
    noted.add(`${kind}.${name}`);
    if (isObject(value)) for (const part of Object.keys(value)) noted.add(`${kind}.${name}.${part}`);
  }
}

function fieldsOfSchema(): string[] {
  const schema = graphJsonSchema();
  const definitions = (schema['$defs'] ?? {}) as JsonObject;
  const resolved = (value: JsonValue | undefined): JsonObject => {
    const reference = isObject(value) ? value['$ref'] : undefined;
    if (typeof reference === 'string') return resolved(definitions[reference.split('/').at(-1) ?? '']);
    return isObject(value) ? value : {};
  };
  const graph = Object.keys(schema['properties'] as JsonObject).map((name) => `graph.${name}`);
  const nodes = resolved(((schema['properties'] as JsonObject)['nodes'] as JsonObject)['items']);
  const kinds = (nodes['oneOf'] ?? nodes['anyOf']) as JsonObject[];
  return [
    ...graph,
    ...kinds.flatMap((each) => {
      const properties = resolved(each)['properties'] as JsonObject;
      const kind = (properties['kind'] as { const: string }).const;
      return Object.entries(properties).flatMap(([name, field]) => [
        `${kind}.${name}`,
        ...Object.keys((resolved(field)['properties'] ?? {}) as JsonObject).map((part) => `${kind}.${name}.${part}`),
      ]);
    }),
  ];
}
