/**
 * The runs in memory, bounded by weight: the least recently used leave first and are folded anew when they are needed.
 *
 * That a run has ended is remembered too, for as long as its partition is held: another owner may have let it go on.
 */
import { LRUCache } from 'lru-cache';
import { keyText, type HotRun, type RunKey } from './hot-run.js';

/** What a run weighs beside its events, in bytes, by rule of thumb. Of an ended run only the fact is kept. */
const runWeight = 2_000;
const endedWeight = 200;

/** What is remembered of a run that has ended. */
interface EndedRun {
  readonly endedIn: number;
}

const isEnded = (run: HotRun | EndedRun): run is EndedRun => 'endedIn' in run;

export class HotRuns {
  private readonly runs: LRUCache<string, HotRun | EndedRun>;

  constructor(maxBytes: number) {
    this.runs = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (run) => (isEnded(run) ? endedWeight : runWeight + run.weight),
    });
  }

  get count(): number {
    return this.runs.size;
  }

  find(key: RunKey): HotRun | 'ended' | undefined {
    const found = this.runs.get(keyText(key));
    return found !== undefined && isEnded(found) ? 'ended' : found;
  }

  /** Remembers a run as it was committed. */
  keep(run: HotRun): void {
    if (run.ended) this.keepEnded(run.key);
    else this.runs.set(keyText(run.key), run);
  }

  /** Remembers that a run has ended: here nothing but a retry changes it any more. */
  keepEnded(key: RunKey): void {
    this.runs.set(keyText(key), { endedIn: key.partition });
  }

  drop(key: RunKey): void {
    this.runs.delete(keyText(key));
  }

  /** Drops the runs of a partition that belongs to another replica now, those that had ended as well. */
  dropPartition(partition: number): void {
    for (const [text, run] of this.runs.entries())
      if ((isEnded(run) ? run.endedIn : run.key.partition) === partition) this.runs.delete(text);
  }
}
