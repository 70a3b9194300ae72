import Table from 'cli-table3';
import type { EndpointFigures, LlmFigures } from './bench-llm.js';

const rows: readonly (readonly [name: string, value: (figures: EndpointFigures) => number, digits: number])[] = [
  ['added to one call, p50 ms', ({ addedP50Ms }) => addedP50Ms, 2],
  ['p99 ms', ({ addedP99Ms }) => addedP99Ms, 2],
  ['calls/s, one at a time', ({ rps1 }) => rps1, 0],
  ['16 at once', ({ rps16 }) => rps16, 0],
  ['32 at once', ({ rps32 }) => rps32, 0],
  ['64 at once', ({ rps64 }) => rps64, 0],
  ['p99 ms at 32', ({ p99Ms32 }) => p99Ms32, 1],
  ['added to the first chunk, ms', ({ firstChunkMs }) => firstChunkMs, 2],
  ['streams/s of 20 chunks, 32 at once', ({ streamRps32 }) => streamRps32, 0],
  ['a stream of 2,000 chunks, ms', ({ longStreamMs }) => longStreamMs, 1],
  ['CPU us per call', ({ cpuUsPerRequest }) => cpuUsPerRequest, 0],
  ['memory, MiB', ({ rssMb }) => rssMb, 0],
];

/** The figures for people: a column for each side. */
export function llmTable(figures: LlmFigures): string {
  const sides = Object.entries<EndpointFigures>({ ...figures });
  const table = new Table({ head: ['', ...sides.map(([name]) => name)], style: { head: [], border: [] } });
  const shown = (value: number, digits: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));
  for (const [name, value, digits] of rows) table.push([name, ...sides.map(([, each]) => shown(value(each), digits))]);
  return table.toString();
}
