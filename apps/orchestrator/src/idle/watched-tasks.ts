/**
 * The tasks whose nodes limit how long a worker may be idle, by the beats of their workers. All of it is memory:
 *
 * 1. A task is watched from its first beat on, so one that waits in its queue is not idle.
 * 2. Silence for a limit and a half is told once; beats come at least four times in a limit while there is progress.
 * 3. What a new owner of a partition does not know of, it learns with the next beat. A worker that died before that gives its task
 *    back to the transport as any other: nothing here is needed for a run to end, only for it to go on sooner.
 */
import { liveTaskBeat, partitionOf } from '@millrace/contracts';
import type { IncomingMessage } from '@millrace/messaging';
import { LRUCache } from 'lru-cache';
import { keyText, type RunKey } from '../run/hot-run.js';

export interface WatchedTask {
  readonly key: RunKey;
  readonly node: string;
  readonly attempt: number;
}

interface Watch extends WatchedTask {
  readonly silentAfterMs: number;
  readonly heardAt: number;
}

const mostTasks = 100_000;
const allowance = 1.5;
const shortestSweepMs = 25;
const longestSweepMs = 1_000;

export class WatchedTasks {
  private readonly tasks = new LRUCache<string, Watch>({ max: mostTasks });
  private sweeping: NodeJS.Timeout | null = null;

  constructor(
    private readonly monotonicNow: () => number,
    private readonly onIdle: (task: WatchedTask) => void,
  ) {}

  /** How many tasks are watched. */
  get count(): number {
    return this.tasks.size;
  }

  /** Takes a worker's word; what is no such word is left alone, as nobody waits for an answer. */
  hear({ envelope }: Pick<IncomingMessage, 'envelope'>): void {
    const parsed = liveTaskBeat.data.safeParse(envelope.data);
    if (!parsed.success) return;
    const { runId, node, attempt, idleMs, ended } = parsed.data;
    const key = { tenantId: envelope.tenantId, runId, partition: partitionOf(runId) };
    const text = `${keyText(key)}/${attempt}/${node}`;
    if (ended) {
      this.tasks.delete(text);
      return;
    }
    this.tasks.set(text, { key, node, attempt, silentAfterMs: idleMs * allowance, heardAt: this.monotonicNow() });
    if (this.sweeping === null) this.sweepSoon();
  }

  /** Forgets the tasks of a partition that belongs to another replica now. */
  forget(partition: number): void {
    for (const [text, { key }] of this.tasks.entries()) if (key.partition === partition) this.tasks.delete(text);
  }

  stop(): void {
    if (this.sweeping !== null) clearTimeout(this.sweeping);
    this.sweeping = null;
    this.tasks.clear();
  }

  private sweepSoon(): void {
    let shortest = longestSweepMs;
    for (const { silentAfterMs } of this.tasks.values()) shortest = Math.min(shortest, silentAfterMs / 4);
    this.sweeping = setTimeout(() => this.sweep(), Math.max(shortestSweepMs, shortest)).unref();
  }

  private sweep(): void {
    this.sweeping = null;
    const now = this.monotonicNow();
    for (const [text, task] of this.tasks.entries()) {
      if (now - task.heardAt < task.silentAfterMs) continue;
      this.tasks.delete(text);
      this.onIdle(task);
    }
    if (this.tasks.size > 0) this.sweepSoon();
  }
}
