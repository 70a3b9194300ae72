import { afterEach, describe, expect, it } from '@jest/globals';
import { envelopeOf, liveTaskBeat, type LiveTaskBeat } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { acme } from '../orchestrator.fixture.js';
import { WatchedTasks, type WatchedTask } from './watched-tasks.js';

const idle: WatchedTask[] = [];
let now = 0;
const watched = new WatchedTasks(
  () => now,
  (task) => idle.push(task),
);
afterEach(() => {
  watched.stop();
  idle.length = 0;
});

const runId = newId('run');
function beat(rest: Partial<LiveTaskBeat> = {}): void {
  const data = { runId, node: 'only', attempt: 1, idleMs: 100, ended: false, ...rest };
  watched.hear({ envelope: envelopeOf(liveTaskBeat, acme, data) });
}

describe('watched tasks', () => {
  it('are idle after a limit and a half of silence, once', async () => {
    beat();
    beat({ node: 'lively' });
    now += 149;
    beat({ node: 'lively' });
    now += 1;
    await eventually(() => idle.length > 0);
    expect(idle).toMatchObject([{ node: 'only', attempt: 1, key: { tenantId: 'acme', runId } }]);
    expect(watched.count).toBe(1);
  });

  it('are forgotten when they end, and when their partition belongs to another', () => {
    beat();
    beat({ ended: true });
    expect(watched.count).toBe(0);
    beat();
    for (let partition = 0; partition < 16; partition += 1) watched.forget(partition);
    expect(watched.count).toBe(0);
  });

  it.each([null, {}, { runId, node: 'only', attempt: 0, idleMs: 1, ended: false }, 'beat'])(
    'are not made by %j',
    (data) => {
      watched.hear({ envelope: envelopeOf(liveTaskBeat, acme, data as never) });
      expect(watched.count).toBe(0);
    },
  );
});
