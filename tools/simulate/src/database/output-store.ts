/** Outputs that stand in for work, until they expire. */
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import type { JsonValue } from '@millrace/kernel';
import type { Ask } from './stores.js';
import type { Tables } from './tables.js';

const textOf = (tenantId: string, work: string): string => `${tenantId}/${work}`;

export const outputStore = (ask: Ask, { outputs }: Tables, now: () => number): OrchestratorStores['outputs'] => ({
  find: (tenantId, work) =>
    ask('find an output', () => {
      const found = outputs.get(textOf(tenantId, work));
      return found !== undefined && found.expiresAt > now()
        ? { output: JSON.parse(found.json) as JsonValue }
        : undefined;
    }),
  keep: (tenantId, work, { json, ttlMs }) =>
    ask('keep an output', () => void outputs.set(textOf(tenantId, work), { json, expiresAt: now() + ttlMs })),
});
