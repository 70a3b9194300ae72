/** Processor time of processes as Linux tells it. What a machine does meanwhile disturbs it far less than it disturbs a clock. */
import { readdir, readFile } from 'node:fs/promises';

const ticksPerSecond = 100;

interface Times {
  readonly parent: number;
  readonly program: string;
  readonly ms: number;
  /** Of children that have ended. */
  readonly childrenMs: number;
}

/** User and system time of a process and of all that it has started, in milliseconds. */
export async function processorMs(pid: number): Promise<number> {
  const all = await allTimes();
  const own = all.get(pid);
  const children = [...all.values()].filter(({ parent }) => parent === pid);
  return (own?.ms ?? 0) + (own?.childrenMs ?? 0) + children.reduce((sum, { ms }) => sum + ms, 0);
}

/** The process of a program that this process has started last. @throws Error where there is none */
export async function childNamed(program: string): Promise<number> {
  const found = [...(await allTimes())].filter(([, each]) => each.parent === process.pid && each.program === program);
  const pid = found.at(-1)?.[0];
  if (pid === undefined) throw new Error(`No ${program} was started here.`);
  return pid;
}

async function allTimes(): Promise<Map<number, Times>> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const read = names.map(async (name) => [Number(name), timesIn(await statusOf(name))] as const);
  return new Map(
    (await Promise.all(read)).filter((entry): entry is readonly [number, Times] => entry[1] !== undefined),
  );
}

/** Empty for a process that has ended meanwhile. */
const statusOf = (pid: string): Promise<string> => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');

/** `pid (name) state ppid …`; the name may hold anything, so the fields are counted from its last bracket (proc(5)). */
function timesIn(status: string): Times | undefined {
  const end = status.lastIndexOf(')');
  if (end < 0) return undefined;
  const fields = status
    .slice(end + 2)
    .split(' ')
    .map(Number);
  const ms = (first: number): number => (((fields[first] ?? 0) + (fields[first + 1] ?? 0)) * 1_000) / ticksPerSecond;
  return {
    parent: fields[1] ?? 0,
    program: status.slice(status.indexOf('(') + 1, end),
    ms: ms(11),
    childrenMs: ms(13),
  };
}
