import Table from 'cli-table3';
import type { DiamondFigures } from '../diamond.js';
import type { DemoFigures } from './figures.js';

/** The figures for people. */
export function demoTable({ embedded, natsAndPostgres }: DemoFigures): string {
  const table = new Table({ head: ['what', 'embedded', 'NATS + Postgres'], style: { head: [], border: [] } });
  const memory = Object.values(natsAndPostgres.memoryMiB).reduce((sum, value) => sum + value, 0);
  table.push(
    [
      'start until ready',
      `${milliseconds(embedded.startMs)}, ${embedded.startMiB} MiB`,
      `${milliseconds(natsAndPostgres.startMs)}, ${memory} MiB`,
    ],
    ['ingest 1,000 pages', `${milliseconds(embedded.ingest1000PagesMs)}, ${embedded.afterIngestMiB} MiB`, ''],
    ['one content run', milliseconds(embedded.contentRunMs), ''],
    ['diamond, one at a time', sequential(embedded.diamond), sequential(natsAndPostgres.diamond)],
    ['diamond, 64 in flight', concurrent(embedded.diamond), concurrent(natsAndPostgres.diamond)],
    ['memory in the end', `${embedded.afterAllMiB} MiB`, perService(natsAndPostgres.memoryMiB)],
  );
  return table.toString();
}

const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
const sequential = ({ p50Ms, p95Ms, p99Ms }: DiamondFigures): string =>
  `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
const concurrent = ({ runsPerSecond }: DiamondFigures): string => `${runsPerSecond.toFixed(0)} runs/s`;
const perService = (memory: Readonly<Record<string, number>>): string =>
  Object.entries(memory)
    .map(([service, mebibytes]) => `${service} ${mebibytes}`)
    .join('\n');
