/** What processes use, as Linux tells it in /proc; nothing elsewhere. */
import { readdir, readFile } from 'node:fs/promises';

/** Linux counts processor time for its readers in hundredths of a second, whatever its own clock does. */
const millisecondsPerTick = 10;

export interface ProcessUsage {
  readonly memoryMiB: number;
  /** Processor time since it began, in milliseconds. */
  readonly cpuMs: number;
}

/** Of processes and all that they started, together. */
export async function usageOf(pids: readonly number[]): Promise<ProcessUsage> {
  const all = await Promise.all((await withDescendants(pids)).map(usageOfOne));
  return {
    memoryMiB: all.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0),
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

async function usageOfOne(pid: number): Promise<ProcessUsage> {
  const [rollup, fields] = await Promise.all([read(`/proc/${pid}/smaps_rollup`), statOf(pid)]);
  // The proportional share: what the processes of a server share counts once. One that has just ended has none.
  const kibibytes = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  // Its own time and that of its children that have ended, in user and in kernel mode.
  const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
  return { memoryMiB: kibibytes / 1024, cpuMs: ticks * millisecondsPerTick };
}

/** The fields of /proc/PID/stat after the name, which may hold blanks: state, parent, … */
async function statOf(pid: number): Promise<readonly string[]> {
  const stat = await read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function withDescendants(pids: readonly number[]): Promise<readonly number[]> {
  const running = (await readdir('/proc').catch(() => [])).map(Number).filter(Number.isInteger);
  const parents = new Map(
    await Promise.all(running.map(async (pid) => [pid, Number((await statOf(pid))[1])] as const)),
  );
  const found = new Set(pids);
  // Children are found in as many rounds as the tree is deep.
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
