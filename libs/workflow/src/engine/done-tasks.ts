import type { NewRunEvent, RunEventOf, TaskKind } from '@millrace/contracts';
import { isWorker, type CompiledGraph } from '../compile/compiled-graph.js';
import { locate } from './location.js';
import type { RunState } from './state.js';

/** Who has done a task: a service, by the kind of the task, or a program of the tenant. */
export interface DoneTask {
  readonly kind: TaskKind;
  readonly worker: string | undefined;
}

type Ending = RunEventOf<'NodeCompleted' | 'NodeFailed' | 'NodeRetryScheduled'>;
const endings: ReadonlySet<string> = new Set<Ending['type']>(['NodeCompleted', 'NodeFailed', 'NodeRetryScheduled']);
const isEnding = (event: NewRunEvent): event is Ending => endings.has(event.type);

/** The attempts of workers that new events, which the state has folded, have ended. */
export function doneTasksOf(_graph: CompiledGraph, state: RunState, events: readonly NewRunEvent[]): DoneTask[] {
  if (state.status === 'new') return [];
  return events.filter(isEnding).flatMap(({ data }): DoneTask[] => {
    const node = locate(state, data.node)?.node;
    return node && isWorker(node) ? [{ kind: node.kind, worker: node.worker }] : [];
  });
}
