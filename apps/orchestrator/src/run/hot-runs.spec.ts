import { describe, expect, it } from '@jest/globals';
import { compileGraph } from '@millrace/workflow';
import { newHotRun, type RunKey } from './hot-run.js';
import { HotRuns } from './hot-runs.js';

const nodes = [{ id: 'only', kind: 'transform', output: 1 }];
const compiled = compileGraph({ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'test' }, nodes });
const graph = { identity: { name: 'test', version: 1, digest: 'd' }, compiled };
const keyOf = (id: string, partition: number): RunKey => ({ tenantId: 'acme', runId: `run_${id}`, partition });
const runOf = (key: RunKey, ended = false) => {
  const origin = {
    input: {},
    correlationId: 'test',
    priority: 'normal' as const,
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  return { ...newHotRun(key, graph, origin), ended };
};

describe('the runs in memory', () => {
  it('are found as they were kept, and of those that ended only that they did', () => {
    const runs = new HotRuns(100_000);
    const [open, ended, unfolded] = [keyOf('open', 1), keyOf('ended', 1), keyOf('unfolded', 1)];
    const run = runOf(open);
    runs.keep(run);
    runs.keep(runOf(ended, true));
    runs.keepEnded(unfolded);
    expect([runs.find(open), runs.find(ended), runs.find(unfolded)]).toEqual([run, 'ended', 'ended']);
    expect(runs.find(keyOf('other', 1))).toBeUndefined();
  });

  it('leave with their partition, those that had ended as well: its next owner may let them go on', () => {
    const runs = new HotRuns(100_000);
    for (const partition of [1, 2]) {
      runs.keep(runOf(keyOf(`open-${partition}`, partition)));
      runs.keep(runOf(keyOf(`ended-${partition}`, partition), true));
      runs.keepEnded(keyOf(`unfolded-${partition}`, partition));
    }
    runs.dropPartition(1);
    const found = (partition: number) =>
      ['open', 'ended', 'unfolded'].map((id) => runs.find(keyOf(`${id}-${partition}`, partition)));
    expect(found(1)).toEqual([undefined, undefined, undefined]);
    expect(found(2)).toEqual([expect.objectContaining({ ended: false }), 'ended', 'ended']);
    expect(runs.count).toBe(3);
  });
});
