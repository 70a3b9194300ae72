/** One seed: a load, faults in the middle of it, and then the question whether everything that was promised is true. */
import { setTimeout as pause } from 'node:timers/promises';
import { Forger } from '../faults/forger.js';
import { Injector, newFaultTraces, type Injection } from '../faults/inject.js';
import type { Fault } from '../faults/catalogue.js';
import { durationOf, scheduleOf } from '../faults/schedule.js';
import type { BugName } from '../hooks/changes.js';
import { violationsIn } from '../invariants/check.js';
import { acceptedRunIds, type Evidence, type Violation } from '../invariants/evidence.js';
import { LoadClient } from '../load/load-client.js';
import { loadOf, tailOf } from '../load/plan.js';
import { keepUploading } from '../load/uploads.js';
import type { Range } from '../seed/dice.js';
import type { World } from '../world/world.js';
import { dumpTrial } from './dump.js';
import { gatherEvidence } from './gather-evidence.js';
import { ProgressWatch } from './progress-watch.js';
import { isAttemptOver } from './run-database.js';
import { untilSubscriberIsIdle } from './subscriber-idle.js';
import { newTenant } from './tenant.js';

export interface TrialPlan {
  readonly seed: number;
  readonly runs: number;
  readonly faults: readonly Fault[];
  readonly extraFaults: number;
  readonly spacingMs: Range;
  readonly bug: BugName | null;
  /** The one graph of the load; null for a mix of all. */
  readonly graph: string | null;
  /** How long nothing may move after everything is healed, in milliseconds. */
  readonly patienceMs: number;
}

export interface RecoveredInjection extends Injection {
  /** From the heal until what it hit was ready and something had moved, in milliseconds. */
  readonly recoveryMs: number;
}

export interface TrialResult {
  readonly seed: number;
  readonly bug: BugName | null;
  readonly durationMs: number;
  readonly injections: readonly RecoveredInjection[];
  readonly accepted: number;
  readonly finished: number;
  /** Accepted runs that did not come to an end. */
  readonly lost: number;
  /** Of those that finished, the ones that failed, by the code of their error. */
  readonly failures: Readonly<Record<string, number>>;
  readonly effectsCommitted: number;
  readonly effectsAppliedTwice: number;
  readonly forgedMessages: number;
  readonly stalled: boolean;
  readonly violations: readonly Violation[];
  /** Where to look when something is wrong. */
  readonly dump: string | null;
}

export async function runTrial(world: World, plan: TrialPlan, report: (text: string) => void): Promise<TrialResult> {
  const began = Date.now();
  const { seed, bug } = plan;
  const marker = `forged-${seed}-${began}`;
  const tenant = await newTenant(world, `chaos-${seed}-${began.toString(36)}`);
  const runsUrl = world.databaseUrl('orchestrator');
  const schedule = scheduleOf(seed, { faults: plan.faults, extra: plan.extraFaults, spacingMs: plan.spacingMs });
  const size = { runs: plan.runs, overMs: durationOf(schedule), only: plan.graph };
  const starts = loadOf(seed, size);
  const traces = newFaultTraces();
  const load = new LoadClient({ baseUrl: world.cluster.url, apiKey: tenant.apiKey }, seed);
  /** Aborts when every fault is healed: nothing new is asked for then. */
  const healed = new AbortController();
  const watch = new ProgressWatch(runsUrl, tenant.id);
  await using forger = await Forger.start({
    natsUrl: world.cluster.nats.url,
    marker,
    tenantId: tenant.id,
    isOver: (result) => isAttemptOver(runsUrl, tenant.id, result),
  });
  const injector = new Injector(world, forger, traces, report);
  if (bug !== null) world.control.plant(bug);
  try {
    report(
      `seed ${seed}: ${starts.length} runs, ${schedule.length} faults in ${Math.ceil(durationOf(schedule) / 1000)} s`,
    );
    const uploading = keepUploading(tenant.client, healed.signal);
    const playing = load.play(starts, tailOf(seed, size), healed.signal);
    await injector.play(schedule);
    healed.abort();
    report('healed; waiting for every run to end');
    const stalled = !(await settled(playing, watch, plan.patienceMs));
    load.stop();
    await Promise.all([playing, uploading]);
    if (bug !== null) world.control.uproot(bug);
    await untilSubscriberIsIdle(world.cluster.nats.url);
    const evidence = await gatherEvidence(world, tenant, { load, forger, traces, marker });
    const violations = violationsIn(evidence);
    const failed = violations.length > 0 || stalled;
    const injections = injector.injections.map((injection) => recovered(injection, watch));
    return {
      ...{ seed, bug, injections, violations, stalled },
      ...countsOf(evidence),
      durationMs: Date.now() - began,
      forgedMessages: forger.sent,
      dump: failed ? await dumpTrial(world, { seed, tenantId: tenant.id, evidence, injections, violations }) : null,
    };
  } finally {
    if (bug !== null) world.control.uproot(bug);
    healed.abort();
    load.stop();
    await watch.stop();
  }
}

/** Whether every caller got what it waited for and every run has ended, before nothing moved for too long. */
async function settled(playing: Promise<void>, watch: ProgressWatch, patienceMs: number): Promise<boolean> {
  let isPlayed = false;
  void playing.then(() => (isPlayed = true));
  const healedAt = Date.now();
  for (;;) {
    const { unfinished, runs } = watch.latest;
    if (isPlayed && unfinished === 0 && runs > 0) return true;
    if (Date.now() - Math.max(healedAt, watch.lastMovedAt) > patienceMs) return false;
    await pause(100);
  }
}

function countsOf(evidence: Evidence) {
  const accepted = acceptedRunIds(evidence.starts);
  const ended = evidence.runs.filter(({ status }) => ['completed', 'failed', 'cancelled'].includes(status));
  const finished = ended.filter(({ id }) => accepted.has(id)).length;
  return {
    accepted: accepted.size,
    finished,
    lost: accepted.size - finished,
    failures: failuresOf(evidence.runs),
    effectsCommitted: evidence.effects.commits.length,
    effectsAppliedTwice: evidence.applications.filter(({ times }) => times > 1).length,
  };
}

/** Faults end runs, too: a model that is away for longer than the retries of a node, for one. */
function failuresOf(runs: Evidence['runs']): Record<string, number> {
  const codes = runs.flatMap(({ events }) =>
    events
      .filter(({ type }) => type === 'RunFailed')
      .map(({ data }) => (data as { error: { code: string } }).error.code),
  );
  return Object.fromEntries([...Map.groupBy(codes, (code) => code)].map(([code, all]) => [code, all.length]));
}

function recovered(injection: Injection, watch: ProgressWatch): RecoveredInjection {
  const { healedAt, readyAt } = injection;
  return { ...injection, recoveryMs: Math.max(readyAt, watch.firstMoveAfter(healedAt) ?? readyAt) - healedAt };
}
