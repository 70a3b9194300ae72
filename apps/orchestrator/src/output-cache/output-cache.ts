/**
 * Outputs that stand in for work that was done before, in any run of the tenant.
 *
 * 1. It is a cache: with it broken, empty or lost, the work is done, and every run ends as it would.
 * 2. An output is kept after the commit that completed its node, so only what runs have accepted stands in for anything.
 */
import type { TaskOutcome } from '@millrace/contracts';
import type { CachedWork, TaskToDo } from '@millrace/workflow';
import { LRUCache } from 'lru-cache';
import { keyText, type HotRun, type RunKey } from '../run/hot-run.js';
import type { Turn } from '../run/turn.js';
import type { OutputStore } from './output.store.js';

/** Larger outputs, in characters as JSON, are not kept. */
const longestOutput = 262_144;
/** Tasks under way whose outputs are to be kept; what is forgotten is not kept. */
const mostTasks = 100_000;

export interface OutputCacheParts {
  readonly store: Pick<OutputStore, keyof OutputStore>;
  /** Hands a result in, as a worker's. */
  readonly complete: (key: RunKey, task: TaskToDo, outcome: TaskOutcome) => Promise<unknown>;
  readonly onFailure: (message: string, error: unknown) => void;
}

export class OutputCache {
  private readonly underWay = new LRUCache<string, CachedWork>({ max: mostTasks });

  constructor(private readonly parts: OutputCacheParts) {}

  /** Completes a task from before. False where its work has to be done; then its output will be kept. */
  async answers(run: HotRun, task: TaskToDo, cached: CachedWork): Promise<boolean> {
    try {
      const found = await this.parts.store.find(run.key.tenantId, cached.key);
      if (found === undefined) {
        this.underWay.set(textOf(run.key, task), cached);
        return false;
      }
      await this.parts.complete(run.key, task, { status: 'completed', output: found.output });
      return true;
    } catch (error) {
      this.parts.onFailure('An earlier output could not be used; the work is done.', error);
      return false;
    }
  }

  /** Keeps what committed batches completed. */
  note(turns: readonly Turn[]): void {
    if (this.underWay.size === 0) return;
    for (const { key, events } of turns) {
      for (const { event } of events) if (event.type === 'NodeCompleted') this.keep(key, event.data);
    }
  }

  private keep(key: RunKey, completed: { node: string; attempt: number; output: unknown }): void {
    const text = textOf(key, completed);
    const cached = this.underWay.get(text);
    if (cached === undefined) return;
    this.underWay.delete(text);
    const json = JSON.stringify(completed.output);
    if (json.length > longestOutput) return;
    this.parts.store
      .keep(key.tenantId, cached.key, { json, ttlMs: cached.ttlMs })
      .catch((error: unknown) => this.parts.onFailure('An output could not be kept.', error));
  }
}

const textOf = (key: RunKey, { node, attempt }: Pick<TaskToDo, 'node' | 'attempt'>): string =>
  `${keyText(key)}/${attempt}/${node}`;
