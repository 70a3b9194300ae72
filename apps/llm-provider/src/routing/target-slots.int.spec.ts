import { describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import { backendKinds, eventually, testDatabase } from '@millrace/testing';
import { migrations } from '../schema/migrations/index.js';
import type { LlmProviderTables } from '../schema/tables.js';
import { TargetSlots } from './target-slots.js';

const hour = 3_600_000;

describe.each(backendKinds)('slots of a target on %s', (backend) => {
  it('are no more than there are, over processes that take them at the same time, and come back', async () => {
    const { database, close } = await testDatabase<LlmProviderTables>({ backend, service: 'llm-provider', migrations });
    const replicas = [new TargetSlots(database), new TargetSlots(database)];
    const target = newId('model');
    const takeMany = async (limit: number) =>
      (
        await Promise.all(
          Array.from({ length: 20 }).flatMap(() => replicas.map((each) => each.take(target, limit, hour))),
        )
      ).filter((slot) => slot !== null);
    try {
      const slots = await takeMany(7);
      expect(slots).toHaveLength(7);
      expect(await takeMany(7)).toHaveLength(0);
      await Promise.all(slots.slice(0, 3).map((giveBack) => giveBack()));
      // Given back twice it is one all the same.
      await slots[0]?.();
      expect(await takeMany(7)).toHaveLength(3);
      expect(await replicas[0]?.take(newId('model'), 1, hour)).not.toBeNull();
    } finally {
      await close();
    }
  });

  it('of a process that was killed are free when their time is over', async () => {
    const { database, close } = await testDatabase<LlmProviderTables>({ backend, service: 'llm-provider', migrations });
    const slots = new TargetSlots(database);
    try {
      expect(await slots.take('p/killed', 1, 300)).not.toBeNull();
      expect(await slots.take('p/killed', 1, hour)).toBeNull();
      await eventually(async () => (await slots.take('p/killed', 1, hour)) !== null);
      expect(await slots.take('p/killed', 1, hour)).toBeNull();
    } finally {
      await close();
    }
  });
});
