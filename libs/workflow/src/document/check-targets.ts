/** Checks where a branch, an error and a deadline lead: to nodes beside, which wait for the one that chooses them. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import type { Path } from './check-templates.js';
import type { GraphNode } from './graph-document.js';
import { suggester } from './suggestion.js';

interface Target {
  readonly id: string;
  readonly at: Path;
}

export function checkTargets(nodes: readonly GraphNode[], path: Path): Violation[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const suggestion = suggester([...byId.keys()]);
  return nodes.flatMap((node, index) =>
    targetsOf(node, [...path, index]).flatMap(({ id, at }): Violation[] => {
      const target = byId.get(id);
      const pointer = jsonPointer(at);
      if (!target) {
        return [{ pointer, message: `There is no node '${id}' beside this one.${suggestion(id)}` }];
      }
      if (target.needs.includes(node.id)) return [];
      return [
        { pointer, message: `The node '${id}' must name '${node.id}' in \`needs\`, so that it waits for the choice.` },
      ];
    }),
  );
}

function targetsOf(node: GraphNode, path: Path): Target[] {
  const targets: Target[] = [];
  if (typeof node.onError === 'object') targets.push({ id: node.onError.goto, at: [...path, 'onError', 'goto'] });
  if (node.kind === 'approval' && typeof node.onTimeout === 'object')
    targets.push({ id: node.onTimeout.goto, at: [...path, 'onTimeout', 'goto'] });
  if (node.kind === 'loop' && typeof node.onExhausted === 'object')
    targets.push({ id: node.onExhausted.goto, at: [...path, 'onExhausted', 'goto'] });
  if (node.kind === 'branch') return [...targets, ...choices(node.cases, 'cases', node.default, 'default', path)];
  if (node.kind === 'router') return [...targets, ...choices(node.intents, 'intents', node.fallback, 'fallback', path)];
  return targets;
}

/** What the parts of a list lead to, and what is left where none of them is chosen. */
function choices(
  parts: readonly { readonly then: readonly string[] }[],
  name: string,
  rest: readonly string[],
  restName: string,
  path: Path,
): Target[] {
  const chosen = parts.flatMap(({ then }, index) =>
    then.map((id, place) => ({ id, at: [...path, name, index, 'then', place] })),
  );
  return [...chosen, ...rest.map((id, place) => ({ id, at: [...path, restName, place] }))];
}
