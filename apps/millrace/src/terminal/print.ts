import Table from 'cli-table3';
import { printableLine } from './printable.js';
import { type Terminal, write } from './terminal.js';

/** One JSON document on standard output. */
export const printJson = (terminal: Terminal, value: unknown): Promise<void> =>
  write(terminal.out, `${JSON.stringify(value, null, 2)}\n`);

/** A table on standard output, or a remark where there are no rows. */
export function printTable(
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  empty: string,
): Promise<void> {
  if (rows.length === 0) return write(terminal.out, `${empty}\n`);
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push(row.map(printableLine));
  return write(terminal.out, `${table.toString()}\n`);
}
