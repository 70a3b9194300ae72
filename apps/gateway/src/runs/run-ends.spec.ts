import { envelopeOf, liveEndSubject, liveRunEnded } from '@millrace/contracts';
import { createInProcessBus } from '@millrace/messaging';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RunEnds } from './run-ends.js';

const never = new AbortController().signal;

describe('the ends of runs that are waited for', () => {
  let bus: ReturnType<typeof createInProcessBus>;
  let ends: RunEnds;
  beforeAll(() => {
    bus = createInProcessBus();
    ends = new RunEnds(bus);
  });
  afterAll(() => bus.drain({ graceMs: 0 }));

  /** As the orchestrator says it of a run that is too large for the hint. */
  const say = (runId: string, tenantId: string): void => {
    const context = { tenantId, correlationId: 'cor', causationId: null };
    bus.notify({ subject: liveEndSubject(runId), envelope: envelopeOf(liveRunEnded, context, { run: null }) });
  };

  it('are heard by all who wait for a run of their tenant, and by nobody else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ run: fc.nat(2), tenant: fc.nat(1), stays: fc.boolean() }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (list) => {
          const waiting = list.map((each) => ({ ...each, end: ends.listen(`run_${each.run}`, `t${each.tenant}`) }));
          for (const { stays, end } of waiting) if (!stays) end.stop();
          say('run_0', 't0');
          say('run_1', 't1');
          const marker = ends.listen('run_marker', 't0');
          say('run_marker', 't0');
          expect(await marker.heard.wait(5_000, never)).toBe(true);
          marker.stop();
          for (const { run, tenant, stays, end } of waiting) {
            const heard = (run === 0 && tenant === 0) || (run === 1 && tenant === 1);
            expect(await end.heard.wait(0, never)).toBe(stays && heard);
            end.stop();
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
