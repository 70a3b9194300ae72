/** The runs that somebody follows now, as gateways say now and then. Bounded: a run that is forgotten is hinted at no more, and its readers look into the store. */
import { liveRunFollowed, partitionOf } from '@millrace/contracts';
import type { IncomingMessage } from '@millrace/messaging';
import { LRUCache } from 'lru-cache';
import { keyText, type RunKey } from '../run/hot-run.js';

const mostRuns = 100_000;

export class FollowedRuns {
  private readonly runs = new LRUCache<string, true>({ max: mostRuns });

  /** Takes a gateway's word; what is no such word is left alone, as nobody waits for an answer. */
  hear({ envelope }: Pick<IncomingMessage, 'envelope'>): void {
    const parsed = liveRunFollowed.data.safeParse(envelope.data);
    if (!parsed.success) return;
    const { runId, forMs } = parsed.data;
    const key = { tenantId: envelope.tenantId, runId, partition: partitionOf(runId) };
    this.runs.set(keyText(key), true, { ttl: forMs });
  }

  has(key: RunKey): boolean {
    return this.runs.size > 0 && this.runs.has(keyText(key));
  }
}
