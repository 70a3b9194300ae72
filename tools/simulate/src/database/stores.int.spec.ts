/** The tables in memory do what the statements do: one suite for both, against real databases. */
import { afterAll, beforeAll, describe, jest } from '@jest/globals';
import { partitionCount } from '@millrace/contracts';
import type { OrchestratorStores } from '@millrace/orchestrator/core';
import { orchestratorMigrations, storesIn, type OrchestratorTables } from '@millrace/orchestrator/storage';
import { backendKinds, testDatabase, type BackendKind } from '@millrace/testing';
import { leasesConformance } from './leases.conformance.fixture.js';
import { graphsConformance, schedulesConformance } from './names.conformance.fixture.js';
import { storesConformance } from './stores.conformance.fixture.js';
import { storesOver, type Ask } from './stores.js';
import { Tables } from './tables.js';

jest.setTimeout(60_000);

interface Opened {
  readonly stores: OrchestratorStores;
  close(): Promise<void>;
}

const ask: Ask = (_name, execute) => Promise.resolve().then(execute);

async function openStores(kind: BackendKind | 'memory'): Promise<Opened> {
  if (kind === 'memory') {
    const now = (): number => Date.now();
    const tables = new Tables(partitionCount, new Date(), () => undefined, now);
    return { stores: storesOver(ask, tables, now), close: () => Promise.resolve() };
  }
  const migrated = { service: 'orchestrator', migrations: orchestratorMigrations };
  const { database, close } = await testDatabase<OrchestratorTables>({ backend: kind, ...migrated });
  return { stores: storesIn(database), close };
}

describe.each(['memory', ...backendKinds] as const)('the stores in %s:', (kind) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await openStores(kind);
  });
  afterAll(() => opened.close());
  describe('rows of runs', () => storesConformance(() => opened.stores));
  describe('graphs', () => graphsConformance(() => opened.stores.graphs));
  describe('schedules', () => schedulesConformance(() => opened.stores.schedules));
});

describe.each(['memory', ...backendKinds] as const)('the stores in %s:', (kind) => {
  let opened: Opened;
  beforeAll(async () => {
    opened = await openStores(kind);
  });
  afterAll(() => opened.close());
  describe('leases', () => leasesConformance(() => opened.stores));
});
