import { describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import { backendKinds, testDatabase } from '@millrace/testing';
import { migrations } from '../schema/migrations/index.js';
import type { LlmProviderTables } from '../schema/tables.js';
import { routeSchema } from './route.js';
import { TargetLimits } from './target-limits.js';

const targetWith = (limits: object) => {
  const route = routeSchema.parse({ name: 'spec', targets: [{ model: `p/${newId('model')}`, limits }] });
  const [target] = route.targets;
  if (target === undefined) throw new Error('A route has a target.');
  return target;
};
const minute = () => Math.floor(Date.now() / 60_000);

/** Minutes end at any moment: what took longer than one is done again. */
async function withinOneMinute<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    const begun = minute();
    const result = await work();
    if (minute() === begun) return result;
  }
}

describe.each(backendKinds)('limits of a target on %s', (backend) => {
  it('hold over several processes that count at the same time', async () => {
    const { database, close } = await testDatabase<LlmProviderTables>({ backend, service: 'llm-provider', migrations });
    const replicas = [new TargetLimits(database), new TargetLimits(database)];
    const take = (limits: object, tokens: number, calls: number) =>
      withinOneMinute(async () => {
        const target = targetWith(limits);
        const half = Array.from({ length: calls / 2 });
        const taken = half.flatMap(() => replicas.map((replica) => replica.take(target.model, target.limits, tokens)));
        return (await Promise.all(taken)).filter((isTaken) => isTaken).length;
      });
    try {
      expect(await take({ requestsPerMinute: 7 }, 10, 40)).toBe(7);
      expect(await take({ tokensPerMinute: 100 }, 30, 40)).toBe(3);
      expect(await take({ tokensPerMinute: 100, requestsPerMinute: 2 }, 30, 40)).toBe(2);
    } finally {
      await close();
    }
  });

  it('are corrected by what a call used, and let the first call of a minute through', async () => {
    const { database, close } = await testDatabase<LlmProviderTables>({ backend, service: 'llm-provider', migrations });
    const limits = new TargetLimits(database);
    try {
      const taken = await withinOneMinute(async () => {
        const target = targetWith({ tokensPerMinute: 100 });
        const first = await limits.take(target.model, target.limits, 500);
        await limits.add(target.model, -450);
        return [
          first,
          await limits.take(target.model, target.limits, 50),
          await limits.take(target.model, target.limits, 1),
        ];
      });
      expect(taken).toEqual([true, true, false]);
    } finally {
      await close();
    }
  });
});
