/** The runs in memory, bounded by weight: the least recently used leave first and are folded anew when they are needed. */
import { LRUCache } from 'lru-cache';
import { keyText, type HotRun, type RunKey } from './hot-run.js';

/** What a run weighs beside its events, in bytes, by rule of thumb. Of an ended run only the fact is kept. */
const runWeight = 2_000;
const endedWeight = 200;

export class HotRuns {
  private readonly runs: LRUCache<string, HotRun | 'ended'>;

  constructor(maxBytes: number) {
    this.runs = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (run) => (run === 'ended' ? endedWeight : runWeight + run.weight),
    });
  }

  get count(): number {
    return this.runs.size;
  }

  find(key: RunKey): HotRun | 'ended' | undefined {
    return this.runs.get(keyText(key));
  }

  /** Remembers a run as it was committed. */
  keep(run: HotRun): void {
    this.runs.set(keyText(run.key), run.ended ? 'ended' : run);
  }

  /** Remembers that a run has ended: nothing can change it any more. */
  keepEnded(key: RunKey): void {
    this.runs.set(keyText(key), 'ended');
  }

  drop(key: RunKey): void {
    this.runs.delete(keyText(key));
  }

  /** Drops the runs of a partition that belongs to another replica now. */
  dropPartition(partition: number): void {
    for (const [text, run] of this.runs.entries()) {
      if (run !== 'ended' && run.key.partition === partition) this.runs.delete(text);
    }
  }
}
