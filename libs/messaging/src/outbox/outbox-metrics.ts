import type { Database } from '@millrace/database';
import { collectionFailures, outboxAge, outboxMessages, sampleAtScrapes } from '@millrace/telemetry';
import { outboxStatus } from './outbox.store.js';

const everyMs = 15_000;
const timeoutMs = 2_000;

/** Shows what waits in a service's outbox until the function that is returned is called. */
export function measureOutbox<Tables>(database: Pick<Database<Tables>, 'asService'>): () => void {
  const failures = collectionFailures.at({ 'millrace.source': 'outbox' });
  const outbox = sampleAtScrapes({
    everyMs,
    timeoutMs,
    take: () => database.asService((transaction) => outboxStatus(transaction), { readOnly: true }),
    onFailure: () => failures.add(1),
  });
  const stops = [
    outboxMessages.observe(() => {
      const status = outbox.latest();
      if (status === undefined) return [];
      return (['waiting', 'parked'] as const).map((state) => ({
        labels: { 'millrace.state': state },
        value: status[state],
      }));
    }),
    outboxAge.observe(() => {
      const status = outbox.latest();
      return status === undefined ? [] : [{ labels: {}, value: status.oldestSeconds }];
    }),
  ];
  return () => {
    outbox.stop();
    for (const stop of stops) stop();
  };
}
