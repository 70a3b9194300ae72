/** Bounds of the times that a graph states: a moment beyond them could not be stored. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { limits } from '../limits.js';
import { nodesOfTools } from './agent-tools.js';
import type { Path } from './check-templates.js';
import { durationMs } from './duration.js';
import { isContainer, type GraphDocument, type GraphNode } from './graph-document.js';

type Stated = readonly [place: Path, duration: string | undefined];

export function checkDurations(graph: GraphDocument): Violation[] {
  const stated: Stated[] = [
    [['timeout'], graph.timeout],
    [['budget', 'wallClock'], graph.budget?.wallClock],
    ...durationsOf(graph.nodes, ['nodes']),
  ];
  return stated.flatMap(([place, duration]) =>
    duration === undefined || durationMs(duration) <= limits.waitMs
      ? []
      : [{ pointer: jsonPointer(place), message: 'This is longer than 366 days.' }],
  );
}

function durationsOf(nodes: readonly GraphNode[], path: Path): Stated[] {
  return nodes.flatMap((node, index): Stated[] => {
    const place = [...path, index];
    if (isContainer(node)) return durationsOf(node.nodes, [...place, 'nodes']);
    if (node.kind === 'approval') return [[[...place, 'deadline'], node.deadline]];
    if (node.kind === 'agent') return [...statedBy(node, place), ...nodesOfTools(node, place).flatMap(statedByTool)];
    return statedBy(node, place);
  });
}

function statedByTool({ tool, node, place }: ReturnType<typeof nodesOfTools>[number]): Stated[] {
  const asked = typeof tool.requireApproval === 'object' ? tool.requireApproval.deadline : undefined;
  return [[[...place, 'requireApproval', 'deadline'], asked], ...statedBy(node, place)];
}

function statedBy(node: GraphNode, place: Path): Stated[] {
  const total: Stated = [[...place, 'timeout', 'total'], 'timeout' in node ? node.timeout?.total : undefined];
  if (!('retry' in node)) return [total];
  const { initial, max } = node.retry.backoff;
  const backoff = [...place, 'retry', 'backoff'];
  const timeouts = (['attempt', 'idle'] as const).map((limit): Stated => [
    [...place, 'timeout', limit],
    node.timeout?.[limit],
  ]);
  const ttl: Stated = [[...place, 'cache', 'ttl'], 'cache' in node ? node.cache?.ttl : undefined];
  return [total, ttl, ...timeouts, [[...backoff, 'initial'], initial], [[...backoff, 'max'], max]];
}
