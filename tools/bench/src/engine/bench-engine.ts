/** What a durable run costs on this machine; several checkouts take turns, so that what else runs disturbs all of them alike. */
import { quantile, type EngineFigures } from './figures.js';
import { startSystem, type MeasuredSystem } from './system.js';

const inFlight = 64;
const warmUpRuns = 500;
const sequentialRuns = 100;
const fanoutRuns = 30;

export interface EngineBenchOptions {
  /** Built checkouts, measured in turns. */
  readonly checkouts: readonly string[];
  readonly rounds: number;
  readonly runsPerRound: number;
  readonly report: (text: string) => void;
}

interface Measured {
  readonly checkout: string;
  readonly system: MeasuredSystem;
  readonly runsPerS: number[];
  readonly walBytes: number[];
  readonly processorMs: Readonly<Record<string, number>>[];
  readonly sequentialMs: number[];
  readonly fanoutMs: number[];
}

/** Gives the figures of each checkout, in their order. */
export async function benchEngine(options: EngineBenchOptions): Promise<EngineFigures[]> {
  const { checkouts, rounds, runsPerRound, report } = options;
  await using stack = new AsyncDisposableStack();
  const all: Measured[] = [];
  for (const checkout of checkouts) {
    report(`Starting ${checkout}`);
    const system = stack.use(await startSystem(checkout));
    const lists = { runsPerS: [], walBytes: [], processorMs: [], sequentialMs: [], fanoutMs: [] };
    all.push({ checkout, system, ...lists });
  }
  for (const { system } of all) {
    await system.caller.publish(fanout);
    await system.caller.load('diamond', warmUpRuns, inFlight);
  }
  for (let round = 1; round <= rounds; round += 1) {
    report(`Round ${round} of ${rounds}`);
    for (const each of all) await measureRound(each, runsPerRound);
  }
  return all.map(figuresOf(runsPerRound));
}

async function measureRound(measured: Measured, runs: number): Promise<void> {
  const { system } = measured;
  const [wal, times] = [await system.walBytes(), await system.processorMs()];
  measured.runsPerS.push(await system.caller.load('diamond', runs, inFlight));
  measured.walBytes.push((await system.walBytes()) - wal);
  const after = await system.processorMs();
  measured.processorMs.push(
    Object.fromEntries(Object.entries(after).map(([name, ms]) => [name, ms - (times[name] ?? 0)])),
  );
  for (let run = 0; run < sequentialRuns; run += 1) measured.sequentialMs.push(await system.caller.run('diamond'));
  for (let run = 0; run < fanoutRuns; run += 1) measured.fanoutMs.push(await system.caller.run('bench-fanout'));
}

const figuresOf =
  (runsPerRound: number) =>
  ({ runsPerS, walBytes, processorMs, sequentialMs, fanoutMs }: Measured): EngineFigures => {
    const perRun = (values: readonly number[]): number => rounded(mean(values) / runsPerRound);
    const names = Object.keys(processorMs[0] ?? {});
    const cpu = names.map((name) => [name, perRun(processorMs.map((times) => times[name] ?? 0))] as const);
    return {
      diamond: {
        millrace: {
          runsPerS: Math.round(quantile(runsPerS, 0.5)),
          p50Ms: rounded(quantile(sequentialMs, 0.5)),
          p99Ms: rounded(quantile(sequentialMs, 0.99)),
          walKbPerRun: rounded(mean(walBytes) / runsPerRound / 1024),
          cpuMsPerRun: Object.fromEntries(cpu),
        },
      },
      fanout: { millrace: { p50Ms: rounded(quantile(fanoutMs, 0.5)), p99Ms: rounded(quantile(fanoutMs, 0.99)) } },
    };
  };

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const rounded = (value: number): number => Math.round(value * 100) / 100;

const width = 20;
const step = (id: string, needs: readonly string[], milliseconds: number) => ({
  id,
  kind: 'tool',
  needs,
  with: { tool: 'delay', arguments: { milliseconds } },
});
const middle = Array.from({ length: width }, (_, index) => `step-${index}`);

const fanout = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'bench-fanout', description: 'One step, then twenty at once of 50 ms each, then one.' },
  nodes: [step('first', [], 0), ...middle.map((id) => step(id, ['first'], 50)), step('last', middle, 0)],
};
