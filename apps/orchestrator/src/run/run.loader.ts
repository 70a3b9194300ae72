/** Brings runs from the store into memory: their events, folded over the graph version that they stay on. */
import type { RunEvent } from '@millrace/contracts';
import type { GraphLibrary } from '../graph/graph-library.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { EventTraces } from './event-traces.js';
import { foldRun, keyText, type HotRun, type RunKey } from './hot-run.js';
import { graphsOfRun } from './run-graphs.js';
import type { StoredRun } from './run.store.js';
import type { FoundRun } from './turn.js';

/** A run that is stored and cannot be folded: its graph or its events are damaged. Its neighbours go on. */
export class UnfoldableRunError extends Error {
  override readonly name = 'UnfoldableRunError';
}

/** A run with its events, and the spans that decided them. */
export interface LoadedRun {
  readonly run: HotRun;
  readonly events: readonly RunEvent[];
  readonly traces: EventTraces;
}

export class RunLoader {
  constructor(
    private readonly store: OrchestratorStores['runs'],
    private readonly graphs: GraphLibrary,
    private readonly onUnfoldable: (key: RunKey, error: unknown) => void,
  ) {}

  /** What there is under each key, by `keyText`; every key gets an answer. With `andEnded`, ended runs are folded too. */
  async load(
    keys: readonly RunKey[],
    { andEnded = false }: { readonly andEnded?: boolean } = {},
  ): Promise<ReadonlyMap<string, FoundRun | UnfoldableRunError>> {
    const found = new Map<string, FoundRun | UnfoldableRunError>(keys.map((key) => [keyText(key), 'unknown']));
    for (const stored of await this.store.load(keys, { andEnded })) {
      found.set(keyText(stored.key), stored.ended && !andEnded ? 'ended' : await this.fold(stored));
    }
    return found;
  }

  /** The runs that exist and can be folded, ended ones too, with their events. */
  async loadWithEvents(keys: readonly RunKey[]): Promise<LoadedRun[]> {
    const loaded: LoadedRun[] = [];
    for (const stored of await this.store.load(keys, { andEnded: true })) {
      const run = await this.fold(stored);
      if (!(run instanceof UnfoldableRunError)) loaded.push({ run, events: stored.events, traces: stored.traces });
    }
    return loaded;
  }

  private async fold({ key, graph, events }: StoredRun): Promise<HotRun | UnfoldableRunError> {
    const graphs = await graphsOfRun((identity) => this.graphs.ofRun(key.tenantId, identity), graph, events);
    try {
      if (graphs === null) throw new Error(`Graph version ${graph.name}@${graph.version} is not stored.`);
      return foldRun(key, graphs, events);
    } catch (error) {
      this.onUnfoldable(key, error);
      return new UnfoldableRunError(`Run ${key.runId} cannot be folded.`, { cause: error });
    }
  }
}
