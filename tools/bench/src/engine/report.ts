import Table from 'cli-table3';
import type { EngineFigures } from './figures.js';

/** The figures for people, a column for each checkout. */
export function engineTable(checkouts: readonly string[], figures: readonly EngineFigures[]): string {
  const table = new Table({ head: ['what', ...checkouts], style: { head: [], border: [] } });
  const row = (what: string, value: (each: EngineFigures) => string): void =>
    void table.push([what, ...figures.map(value)]);
  row('diamond, 64 in flight', ({ diamond }) => `${diamond.millrace.runsPerS} runs/s`);
  row('diamond, one at a time', ({ diamond }) => latency(diamond.millrace));
  row('fan-out, one at a time', ({ fanout }) => latency(fanout.millrace));
  row('write-ahead log', ({ diamond }) => `${diamond.millrace.walKbPerRun} KiB per run`);
  row('processor time per run', ({ diamond }) => processorTime(diamond.millrace.cpuMsPerRun));
  return table.toString();
}

const latency = ({ p50Ms, p99Ms }: { readonly p50Ms: number; readonly p99Ms: number }): string =>
  `p50 ${p50Ms} ms, p99 ${p99Ms} ms`;

function processorTime(times: Readonly<Record<string, number>>): string {
  const sum = Object.values(times).reduce((total, ms) => total + ms, 0);
  return [...Object.entries(times), ['all', Math.round(sum * 100) / 100]]
    .map(([name, ms]) => `${name} ${ms} ms`)
    .join('\n');
}
