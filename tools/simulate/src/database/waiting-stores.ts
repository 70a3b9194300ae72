/** Who waits for events and for room at shared keys. Room is given by the product's own rule, on one tenant's requests at a time. */
import { grantable, type OrchestratorStores } from '@millrace/orchestrator/core';
import type { Ask } from './stores.js';
import type { SlotRow, Tables } from './tables.js';

export const eventWaitStore = (ask: Ask, { eventWaits }: Tables): OrchestratorStores['eventWaits'] => ({
  ofPartitions: (partitions) =>
    ask('waits for events', () =>
      [...eventWaits.values()]
        .filter(({ partition }) => partitions.includes(partition))
        .map(({ tenantId, runId, partition, node, attempt, subject, stream, afterSequence }) => ({
          key: { tenantId, runId, partition },
          wait: { node, attempt, subject },
          position: { stream, after: afterSequence },
        })),
    ),
});

const placeOf = ({ requestedAt, runId, node }: SlotRow): string => `${requestedAt} ${runId} ${node}`;

const requestOf = ({ runId, node, attempt, partition, keys, limits }: SlotRow) => ({
  ...{ runId, node, attempt, partition },
  keys: JSON.parse(keys) as string[],
  limits: JSON.parse(limits) as number[],
});

const grantOf = ({ tenantId, runId, partition, node, attempt }: SlotRow) => ({
  key: { tenantId, runId, partition },
  ...{ node, attempt },
});

export const slotStore = (ask: Ask, { slots, granted }: Tables): OrchestratorStores['slots'] => ({
  grant: (tenantId) =>
    ask('grant room', () => {
      const requests = [...slots].filter(([, row]) => row.tenantId === tenantId);
      const held = new Map<string, number>();
      for (const [text, row] of requests)
        if (granted.has(text)) for (const key of requestOf(row).keys) held.set(key, (held.get(key) ?? 0) + 1);
      const waiting = requests
        .filter(([text]) => !granted.has(text))
        .map(([text, row]) => ({ ...requestOf(row), text, row }))
        .sort((one, other) => (placeOf(one.row) < placeOf(other.row) ? -1 : 1));
      const chosen = grantable(waiting, held);
      for (const { text } of chosen) granted.add(text);
      return chosen.map(({ row }) => grantOf(row));
    }),
  open: (partitions) =>
    ask('open requests', () => {
      const open = [...slots].filter(([, row]) => partitions.includes(row.partition) && !row.taken);
      return {
        granted: open.filter(([text]) => granted.has(text)).map(([, row]) => grantOf(row)),
        waiting: [...new Set(open.filter(([text]) => !granted.has(text)).map(([, row]) => row.tenantId))],
      };
    }),
});
