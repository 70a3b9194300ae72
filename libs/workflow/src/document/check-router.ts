/** Checks of a `router`: that its intents can be told from each other. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import type { Path } from './check-templates.js';
import { isContainer, type GraphNode, type RouterNode } from './graph-document.js';

export function checkRouters(nodes: readonly GraphNode[], path: Path): Violation[] {
  return nodes.flatMap((node, index) => {
    const place = [...path, index];
    if (isContainer(node)) return checkRouters(node.nodes, [...place, 'nodes']);
    return node.kind === 'router' ? flawsOf(node, place) : [];
  });
}

function flawsOf({ intents, with: given }: RouterNode, place: Path): Violation[] {
  const flaws = intents.flatMap(({ name, description, examples, slots }, index): Violation[] => {
    const at = [...place, 'intents', index];
    const said = description !== '' || examples.length > 0;
    return [
      ...(said ? [] : [violation(at, `Nothing says what '${name}' means: give it a description or examples.`)]),
      ...repeated(slots).map((slot) => violation([...at, 'slots', slot, 'name'], 'This slot is named twice.')),
    ];
  });
  const twice = repeated(intents).map((index) =>
    violation([...place, 'intents', index, 'name'], 'This intent is named twice.'),
  );
  const misplaced =
    'intents' in given ? [violation([...place, 'with', 'intents'], 'Intents stand beside `with`, not in it.')] : [];
  return [...flaws, ...twice, ...misplaced];
}

/** The places of those whose name an earlier one has. */
const repeated = (named: readonly { readonly name: string }[]): number[] =>
  named.flatMap(({ name }, index) => (named.findIndex((other) => other.name === name) < index ? [index] : []));

const violation = (path: Path, message: string): Violation => ({ pointer: jsonPointer(path), message });
