/** What of a conversation one run can walk through: from its start on, without the ways that lead back. */
import type { Conversation, ConversationEdge, ConversationNode } from './conversation-file.js';

export interface Walk {
  readonly start: ConversationNode;
  readonly nodes: readonly ConversationNode[];
  readonly edges: readonly ConversationEdge[];
  readonly leftOut: readonly ConversationEdge[];
  readonly unreachable: readonly ConversationNode[];
}

/** Depth first, with a stack of its own: files may be as deep as they are long. */
export function withoutCycles({ nodes, edges }: Conversation): Walk {
  const targets = new Set(edges.map(({ to }) => to));
  const start = nodes.find(({ isStart }) => isStart) ?? nodes.find(({ id }) => !targets.has(id)) ?? nodes[0];
  if (start === undefined) throw new Error('A conversation has at least one node.');
  const leaving = Map.groupBy(edges, ({ from }) => from);
  const seen = new Set([start.id]);
  const open = new Set([start.id]);
  const kept = new Set<ConversationEdge>();
  const stack = [{ id: start.id, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const edge = leaving.get(top.id)?.[top.next];
    top.next += 1;
    if (edge === undefined) {
      open.delete(top.id);
      stack.pop();
    } else if (!open.has(edge.to)) {
      kept.add(edge);
      if (seen.has(edge.to)) continue;
      seen.add(edge.to);
      open.add(edge.to);
      stack.push({ id: edge.to, next: 0 });
    }
  }
  return {
    start,
    nodes: nodes.filter(({ id }) => seen.has(id)),
    edges: edges.filter((edge) => kept.has(edge)),
    leftOut: edges.filter((edge) => seen.has(edge.from) && !kept.has(edge)),
    unreachable: nodes.filter(({ id }) => !seen.has(id)),
  };
}
