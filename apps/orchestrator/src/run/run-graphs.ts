/** The versions of its graph that a run's events belong to: one, unless it was moved. */
import type { GraphIdentity, RunEvent } from '@millrace/contracts';
import type { ResolvedGraph } from './hot-run.js';

export interface RunGraphs {
  /** The version that the run began with. */
  readonly first: ResolvedGraph;
  /** Those that it was moved to, by digest. */
  readonly later: ReadonlyMap<string, ResolvedGraph>;
}

const none: RunGraphs['later'] = new Map();

/** Of a run that was never moved. */
export const onlyGraph = (first: ResolvedGraph): RunGraphs => ({ first, later: none });

/** `current` is what the run's row says; null where a version is not stored. */
export async function graphsOfRun(
  find: (identity: GraphIdentity) => Promise<ResolvedGraph | null>,
  current: GraphIdentity,
  events: readonly RunEvent[],
): Promise<RunGraphs | null> {
  const moves = events.flatMap((event) => (event.type === 'RunMigrated' ? [event.data] : []));
  const first = await find(moves[0]?.from ?? current);
  if (first === null) return null;
  if (moves.length === 0) return onlyGraph(first);
  const later = new Map<string, ResolvedGraph>();
  for (const { to } of moves) {
    const graph = later.get(to.digest) ?? (await find(to));
    if (graph === null) return null;
    later.set(to.digest, graph);
  }
  return { first, later };
}

/** @throws Error where the version is none of the run's */
export function graphNamed(later: RunGraphs['later'], { name, version, digest }: GraphIdentity): ResolvedGraph {
  const graph = later.get(digest);
  if (graph === undefined) throw new Error(`The run was never moved to ${name}@${version}.`);
  return graph;
}
