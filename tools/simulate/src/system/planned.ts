/** What a seed asks for: runs, and now and then a schedule that fires while the weather is still bad. */
import { Dice } from '@millrace/chaos/dice';
import type { OnBusy } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { runIdOfFireTime } from '@millrace/orchestrator/core';
import { growGraph, inputOf } from '../graphs/grow-graph.js';
import { innerName } from '../graphs/node-kinds.js';
import { firstMinute } from '../time/virtual-time.js';
import { tenants } from './tenants.js';

export interface PlannedRun {
  readonly tenantId: string;
  readonly runId: string;
  readonly graph: JsonObject;
  readonly input: JsonObject;
  /** The thread that it belongs to, if any, and what it does there. */
  readonly thread: { readonly thread?: string; readonly onBusy?: OnBusy };
  readonly dice: Dice;
}

export interface PlannedSchedule {
  readonly tenantId: string;
  readonly scheduleId: string;
  readonly spec: JsonObject;
  /** Its first fire time, in milliseconds since 1970, and the run of it. */
  readonly firesAt: number;
  readonly runId: string;
}

/** Neighbouring seeds that share their graphs: what they differ in is what happens to these, and checking a graph takes long. */
const seedsOfAGraph = 5;

const idOf = (seed: number, index: number | string): string => `${seed.toString(16)}${index}`.padStart(32, '0');

/** Nobody is refused: what is asked for in the simulation has to happen. */
const threadOf = (dice: Dice): PlannedRun['thread'] =>
  dice.percent(40) ? { thread: 'talk', onBusy: dice.pick(['queue', 'queue', 'interrupt'] as const) } : {};

export function plannedRuns(seed: number): PlannedRun[] {
  const dice = new Dice(seed, 'runs');
  return Array.from({ length: dice.within([1, 4]) }, (_, index) => ({
    tenantId: dice.pick(tenants),
    runId: `run_${idOf(seed, index)}`,
    graph: growGraph(new Dice(Math.ceil(seed / seedsOfAGraph), `graph ${index}`)),
    input: inputOf(dice),
    thread: threadOf(new Dice(seed, `thread ${index}`)),
    dice: new Dice(seed, `run ${index}`),
  }));
}

/** The run that goes on from a node of another one, on the same graph. */
export const forkOf = (parent: PlannedRun): PlannedRun => ({
  ...parent,
  runId: parent.runId.replace('run_0', 'run_f'),
});

export function plannedSchedule(seed: number): PlannedSchedule | undefined {
  const dice = new Dice(seed, 'schedule');
  if (!dice.percent(20)) return undefined;
  const [tenantId, scheduleId] = [dice.pick(tenants), `sch_${idOf(seed, 0)}`];
  const policies = { overlap: 'skip', catchUp: 'latest', paused: false, timeZone: 'UTC' };
  return {
    ...{ tenantId, scheduleId, firesAt: firstMinute },
    spec: { graph: innerName, input: {}, cron: '* * * * *', ...policies },
    runId: runIdOfFireTime(tenantId, scheduleId, new Date(firstMinute)),
  };
}
