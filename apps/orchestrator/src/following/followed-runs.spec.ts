import { describe, expect, it } from '@jest/globals';
import { envelopeOf, liveRunFollowed, partitionOf } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { FollowedRuns } from './followed-runs.js';

const runId = newId('run');
const keyOf = (tenantId: string) => ({ tenantId, runId, partition: partitionOf(runId) });
const said = (data: unknown) => ({
  envelope: envelopeOf(liveRunFollowed, { tenantId: 'acme', correlationId: 'cor-1', causationId: null }, data),
});

describe('followed runs', () => {
  it("are those of the tenant who follows, not another tenant's run of the same id", () => {
    const followed = new FollowedRuns();
    expect(followed.has(keyOf('acme'))).toBe(false);
    followed.hear(said({ runId, forMs: 60_000 }));
    expect(followed.has(keyOf('acme'))).toBe(true);
    expect(followed.has(keyOf('other'))).toBe(false);
  });

  it('are forgotten when nobody says so any more', async () => {
    const followed = new FollowedRuns();
    followed.hear(said({ runId, forMs: 5 }));
    await eventually(() => !followed.has(keyOf('acme')));
  });

  it.each([[null], [{}], [{ runId: 'x', forMs: 1 }], [{ runId, forMs: 1e9 }], [{ runId, forMs: 'long' }]])(
    'takes no notice of %j',
    (data) => {
      const followed = new FollowedRuns();
      followed.hear(said(data));
      expect(followed.has(keyOf('acme'))).toBe(false);
    },
  );
});
