/**
 * Moving a run to another version of its graph. It is allowed where the other version can go on from what the run has done, with nothing
 * to be taken back or done again:
 *
 * 1. Every node that has begun, or was skipped, is in the other version and of the same kind, and all that it needs there has ended.
 * 2. A node that has not ended, or has failed, does the same there: its task, its items, its question are under way.
 * 3. What a completed node has yielded can be read there as what that node yields.
 * 4. What is to be taken back if the run fails can be taken back there.
 * 5. The run's input fits.
 *
 * What has not begun is the other version's affair.
 */
import type { GraphIdentity, RunEventOf } from '@millrace/contracts';
import { MillraceError, type JsonObject, type Violation } from '@millrace/kernel';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import type { GraphComparison, NodeChange } from '../document/compare-graphs.js';
import { checkInput } from './check-input.js';
import type { RunMessage } from './messages.js';
import { settleAgain } from './retry-run.js';
import type { NodeState, RunningRun, RunState } from './state.js';

type BegunRun = Exclude<RunState, { status: 'new' }>;

/** The version that a run is to move to, and what differs from the one that it was on when somebody looked. */
export interface Migration {
  readonly from: GraphIdentity;
  readonly to: GraphIdentity;
  readonly compiled: CompiledGraph;
  readonly comparison: GraphComparison;
}

type MigrateMessage = Extract<RunMessage, { type: 'migrate' }>;

/** Why a run cannot move, or null; one that is on that version already is not refused. */
export function refusalOfMigration(state: BegunRun, { migration }: MigrateMessage): MillraceError | null {
  if (state.graph.digest === migration.to.digest) return null;
  if (state.status !== 'running')
    return new MillraceError('conflict', 'run_ended', `The run is ${state.status}: it stays on its version.`);
  if (state.ending !== null)
    return new MillraceError('conflict', 'run_ending', 'The run is about to end: what it did is being taken back.');
  if (state.graph.digest !== migration.from.digest)
    return new MillraceError('conflict', 'graph_changed', 'The run has moved to another version meanwhile.', {
      retryable: true,
    });
  const violations = reasonsAgainst(state, migration);
  if (violations.length === 0) return null;
  const { name, version } = migration.to;
  const message = `The run cannot move to ${name}@${version}: what it has done does not fit there.`;
  return new MillraceError('mismatch', 'migration_refused', message, { violations });
}

/** A pointer names a node by its id: `/nodes/draft`. */
function reasonsAgainst(state: RunningRun, { compiled, comparison }: Migration): Violation[] {
  const checked = checkInput(compiled, state.input);
  const ofInput =
    'violations' in checked
      ? checked.violations.map(({ pointer, message }) => ({ pointer: `/input${pointer}`, message }))
      : [];
  const ofNodes = [...state.nodes.entries()]
    .filter(([path]) => comparison.has(path))
    .flatMap(([path, node]) => [
      ...reasonsOf(path, node, comparison.get(path)),
      ...openNeedsOf(path, compiled, state).map((need) => ({
        pointer: `/nodes/${path}/needs`,
        message: `has begun, and would need '${need}', which has not ended`,
      })),
    ]);
  return [...ofInput, ...ofNodes, ...effectsLost(state, comparison)];
}

function reasonsOf(path: string, state: NodeState, change: NodeChange | undefined): Violation[] {
  const refuse = (message: string, field = ''): Violation[] => [{ pointer: `/nodes/${path}${field}`, message }];
  if (change === undefined || change.kind === 'missing') return refuse(`is ${state.status} and missing there`);
  if (change.kind === 'other-kind')
    return refuse(`is ${state.status} as a ${change.before}, and a ${change.now} there`, '/kind');
  if (state.status === 'skipped') return [];
  if (state.status !== 'completed')
    return change.isSame ? [] : refuse(`is ${state.status}, and does something else there`);
  return change.fitsOutput ? [] : refuse('has completed, and what it yielded has another type there');
}

/** What a node that has begun would need in the other version without its having ended. */
function openNeedsOf(path: string, { root }: CompiledGraph, { nodes }: RunningRun): string[] {
  const node = root.byId.get(path);
  if (node === undefined) return [];
  return root.nodes
    .filter(({ dependents }) => dependents.includes(node))
    .filter(({ id }) => !hasEnded(nodes.get(id)))
    .map(({ id }) => id);
}

const hasEnded = (node: NodeState | undefined): boolean =>
  node !== undefined && node.status !== 'running' && node.status !== 'retrying';

/** What took effect inside of a map, a loop or a subgraph that has ended is taken back as that said when it ran. */
const effectsLost = ({ effects }: RunningRun, comparison: GraphComparison): Violation[] =>
  effects.flatMap(({ node }) => {
    const change = comparison.get(node);
    if (change?.kind !== 'there' || change.compensates) return [];
    const message = 'took effect, and nothing there says how that is taken back';
    return [{ pointer: `/nodes/${node}/effect`, message }];
  });

/** What a migration that is not refused makes happen; what becomes ready by it begins afterwards. */
export function runMigrated(state: RunningRun, { migration, now }: MigrateMessage): RunEventOf<'RunMigrated'> {
  const { from, to, compiled } = migration;
  const checked = checkInput(compiled, state.input);
  const input = 'input' in checked && hasMore(checked.input, state.input) ? { input: checked.input } : {};
  return { type: 'RunMigrated', at: now, data: { from, to, ...input } };
}

/** Whether the other version has filled in defaults. */
const hasMore = (filled: JsonObject, given: JsonObject): boolean => JSON.stringify(filled) !== JSON.stringify(given);

/** The fold of `RunMigrated`, with the graph that it leads to. */
export function migrated(graph: CompiledGraph, state: RunningRun, { data }: RunEventOf<'RunMigrated'>): RunningRun {
  const moved: RunningRun = {
    ...state,
    graph: data.to,
    input: data.input ?? state.input,
    migrated: true,
    // Of the graph itself whatever has ended is followed anew; inside of what is open nothing has changed.
    held: state.held.filter((path) => path.includes('[')),
  };
  // Frames of what is open are of the version before, in which it is the same.
  settleAgain(graph, moved);
  return moved;
}
