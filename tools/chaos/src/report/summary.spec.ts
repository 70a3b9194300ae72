import { describe, expect, it } from '@jest/globals';
import type { TrialResult } from '../trial/trial.js';
import { hasFailed, summaryOf } from './summary.js';
import { reportOf } from './table.js';

const injection = (fault: string, recoveryMs: number, happened = true) => ({
  ...{ fault, recoveryMs, happened },
  ...{ at: 0, healedAt: 0, readyAt: 0 },
});

const trial = (more: Partial<TrialResult>): TrialResult => ({
  ...{ seed: 1, bug: null, durationMs: 60_000, accepted: 40, finished: 40, lost: 0, effectsCommitted: 90 },
  failures: { provider_unavailable: 2 },
  ...{ effectsAppliedTwice: 0, forgedMessages: 7, stalled: false, violations: [], dump: null },
  injections: [injection('nats-kill', 100), injection('kill-gateway', 900), injection('crash-before-ack', 50, false)],
  ...more,
});
const broken = trial({
  ...{ seed: 2, finished: 39, lost: 1, stalled: true, dump: '/tmp/dump' },
  injections: [injection('nats-kill', 300)],
  violations: [{ invariant: 'I1', subject: 'run_1', message: 'has not ended: running' }],
});

describe('summaryOf', () => {
  it('adds up trials, and counts only crashes that happened', () => {
    expect(summaryOf([trial({}), broken])).toMatchObject({
      ...{ seeds: 2, faults: 3, accepted: 80, finished: 79, lost: 1, violations: 1, stalled: 1, durationMs: 120_000 },
      ...{ recoveryP50Ms: 300, recoveryP95Ms: 900 },
      faultsByKind: {
        'kill-gateway': { times: 1, recoveryP50Ms: 900, recoveryMostMs: 900 },
        'nats-kill': { times: 2, recoveryP50Ms: 100, recoveryMostMs: 300 },
      },
    });
  });

  it('knows nothing of recoveries where nothing was injected', () => {
    expect(summaryOf([trial({ injections: [] })])).toMatchObject({
      faults: 0,
      recoveryP50Ms: null,
      recoveryP95Ms: null,
    });
  });
});

describe('hasFailed', () => {
  it('is true for what is broken and for what stands still', () => {
    expect([trial({}), broken, trial({ stalled: true })].map(hasFailed)).toEqual([false, true, true]);
  });
});

describe('reportOf', () => {
  it('says what broke, and where to look', () => {
    const report = reportOf([trial({}), broken]);
    expect(report).toContain('seed 2 broke what was promised; the evidence is in /tmp/dump');
    expect(report).toContain('I1 run_1 has not ended: running');
    expect(report).not.toContain('seed 1 broke');
    expect(report).toContain('Runs that ended as failed: 4 provider_unavailable.');
    expect(report).toMatch(/all +│ 3 +│ 80 +│ 79 +│ 1 /);
  });
});
