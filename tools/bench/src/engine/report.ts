import Table from 'cli-table3';
import { rounded, type DiamondFigures, type EngineFigures, type FanoutFigures } from './figures.js';

/** The figures for people, a column for each system, with ratios to the first. */
export function engineTable({ diamond, fanout, loop, waiting }: EngineFigures): string {
  const names = Object.keys(diamond);
  const table = new Table({ head: ['what', ...names], style: { head: [], border: [] } });
  const first = Object.values(diamond)[0];
  const row = (what: string, value: (of: DiamondFigures, at: FanoutFigures | undefined) => string): void =>
    void table.push([what, ...Object.entries(diamond).map(([name, figures]) => value(figures, fanout[name]))]);
  row('diamond, 64 in flight', ({ runsPerS }) => `${runsPerS} runs/s${ratio(runsPerS, first?.runsPerS)}`);
  row('diamond, one at a time', latency);
  row('fan-out, one at a time', (_diamond, of) => (of === undefined ? '' : latency(of)));
  row('write-ahead log', ({ walKbPerRun }) => (walKbPerRun === null ? 'no Postgres' : `${walKbPerRun} KiB per run`));
  row('processor time per run', ({ cpuMsPerRun }) => processorTime(cpuMsPerRun));
  const lines = [table.toString()];
  for (const [name, { tookMs, storedKb }] of Object.entries(loop ?? {}))
    lines.push(`${name}, 1,000 rounds over 1 MB: ${tookMs} ms, ${storedKb} KiB stored`);
  for (const [name, each] of Object.entries(waiting ?? {})) {
    const memory = `${each.memoryMiB} MiB of the orchestrator, ${each.memoryAfterRestartMiB} after a restart`;
    lines.push(
      `${name}, ${each.runs} runs wait: ${memory}; it started in ${each.startMs} ms and went on in ${each.resumedMs}`,
    );
  }
  return lines.join('\n');
}

const latency = ({ p50Ms, p99Ms }: FanoutFigures): string => `p50 ${p50Ms} ms, p99 ${p99Ms} ms`;

const ratio = (value: number, first: number | undefined): string =>
  first === undefined || first === value ? '' : ` (millrace: ${rounded(first / value)} x)`;

function processorTime(times: Readonly<Record<string, number>>): string {
  const sum = Object.values(times).reduce((total, ms) => total + ms, 0);
  return [...Object.entries(times), ['all', rounded(sum)]].map(([name, ms]) => `${name} ${ms} ms`).join('\n');
}
