/** The diamond and the fan-out: systems take turns, so that what else the machine does disturbs all of them alike. */
import { quantile, rounded, type DiamondFigures, type FanoutFigures } from '../figures.js';
import type { MeasuredSystem } from '../systems/system.js';

const inFlight = 64;
const warmUpRuns = 500;
const sequentialRuns = 100;
const fanoutRuns = 30;

export interface RoundsOptions {
  readonly rounds: number;
  readonly runsPerRound: number;
  readonly report: (text: string) => void;
}

export interface RoundsFigures {
  readonly name: string;
  readonly diamond: DiamondFigures;
  readonly fanout: FanoutFigures;
}

interface Measured {
  readonly system: MeasuredSystem;
  readonly runsPerS: number[];
  readonly walBytes: number[];
  readonly processorMs: Readonly<Record<string, number>>[];
  readonly sequentialMs: number[];
  readonly fanoutMs: number[];
}

/** Gives the figures of each system, in their order. */
export async function measureRounds(
  systems: readonly MeasuredSystem[],
  { rounds, runsPerRound, report }: RoundsOptions,
): Promise<RoundsFigures[]> {
  const all = systems.map((system): Measured => {
    const lists = { runsPerS: [], walBytes: [], processorMs: [], sequentialMs: [], fanoutMs: [] };
    return { system, ...lists };
  });
  for (const { system } of all) {
    report(`Warming ${system.name}`);
    await system.load('diamond', warmUpRuns, inFlight);
    await system.load('fanout', 5, 1);
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const each of all) {
      report(`Round ${round} of ${rounds}: ${each.system.name}`);
      await measureRound(each, runsPerRound);
    }
  }
  return all.map((each) => figuresOf(each, runsPerRound));
}

async function measureRound(measured: Measured, runs: number): Promise<void> {
  const { system } = measured;
  const [wal, times] = [await system.walBytes(), await system.processorMs()];
  const { elapsedMs } = await system.load('diamond', runs, inFlight);
  measured.runsPerS.push((runs * 1_000) / elapsedMs);
  const [walAfter, timesAfter] = [await system.walBytes(), await system.processorMs()];
  if (wal !== null && walAfter !== null) measured.walBytes.push(walAfter - wal);
  const spent = Object.entries(timesAfter).map(([name, ms]) => [name, ms - (times[name] ?? 0)] as const);
  measured.processorMs.push(Object.fromEntries(spent));
  measured.sequentialMs.push(...(await system.load('diamond', sequentialRuns, 1)).latenciesMs);
  measured.fanoutMs.push(...(await system.load('fanout', fanoutRuns, 1)).latenciesMs);
}

function figuresOf(measured: Measured, runsPerRound: number): RoundsFigures {
  const { system, runsPerS, walBytes, processorMs, sequentialMs, fanoutMs } = measured;
  const perRun = (values: readonly number[]): number => rounded(mean(values) / runsPerRound);
  const names = Object.keys(processorMs[0] ?? {});
  const cpu = names.map((name) => [name, perRun(processorMs.map((times) => times[name] ?? 0))] as const);
  const diamond = {
    runsPerS: Math.round(quantile(runsPerS, 0.5)),
    p50Ms: rounded(quantile(sequentialMs, 0.5)),
    p99Ms: rounded(quantile(sequentialMs, 0.99)),
    walKbPerRun: walBytes.length === 0 ? null : rounded(mean(walBytes) / runsPerRound / 1024),
    cpuMsPerRun: Object.fromEntries(cpu),
  };
  const fanout = { p50Ms: rounded(quantile(fanoutMs, 0.5)), p99Ms: rounded(quantile(fanoutMs, 0.99)) };
  return { name: system.name, diamond, fanout };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
