import Table from 'cli-table3';
import type { ClusterFigures } from './bench-cluster.js';

/** The figures for people: a column for each number of orchestrators. */
export function clusterTable(figures: readonly ClusterFigures[]): string {
  const head = ['orchestrators', ...figures.map(({ orchestrators }) => String(orchestrators))];
  const table = new Table({ head, style: { head: [], border: [] } });
  const row = (name: string, value: (each: ClusterFigures) => string) => table.push([name, ...figures.map(value)]);
  row('runs/s, 64 in flight', ({ runsPerSecond }) => runsPerSecond.toFixed(0));
  row('one at a time, p50 ms', ({ p50Ms }) => p50Ms.toFixed(1));
  row('p95 ms', ({ p95Ms }) => p95Ms.toFixed(1));
  row('p99 ms', ({ p99Ms }) => p99Ms.toFixed(1));
  row('start until ready, ms', ({ startMs }) => startMs.toFixed(0));
  for (const name of Object.keys(figures[0]?.costs ?? {})) {
    row(`${name}: CPU ms per run, MiB`, ({ costs }) => {
      const { cpuMsPerRun = Number.NaN, memoryMiB = Number.NaN } = costs[name] ?? {};
      return `${cpuMsPerRun.toFixed(2)}, ${memoryMiB}`;
    });
  }
  row('all: CPU ms per run', ({ costs }) =>
    Object.values(costs)
      .reduce((sum, { cpuMsPerRun }) => sum + cpuMsPerRun, 0)
      .toFixed(2),
  );
  return table.toString();
}
