/**
 * One process per data folder: two would destroy it. Holders are numbered files in `lock/`; the highest number counts.
 *
 * 1. Numbers never go down: whoever leaves writes "released" into its file, and only the next holder removes it.
 * 2. The next number is made by `link`, which fails when it exists, whole or not at all: one of many contenders gets it.
 * 3. A contender that was late may make a number that was used and removed; it sees the higher one and steps back.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '@millrace/kernel';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the kernel counts it; tells a process from a later one with the same number. */
  readonly began: string;
}

const attempts = 100;

/**
 * Locks a folder, making it if need be, and takes over from a process that is gone.
 * @returns releases the lock
 * @throws MillraceError `data_folder_in_use`
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const locks = join(folder, 'lock');
  await mkdir(locks, { recursive: true });
  const claim = await writeAside(locks, JSON.stringify(await currentHolder()));
  try {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const last = Math.max(0, ...(await numbersIn(locks)));
      const reason = last === 0 ? undefined : await whyHeld(join(locks, String(last)), folder);
      if (reason !== undefined) throw inUse(folder, reason);
      if (await becomeHolder(locks, claim, last + 1)) return () => release(locks, last + 1);
    }
    throw inUse(folder, 'by several processes that are opening it right now');
  } finally {
    await rm(claim, { force: true });
  }
}

/** Tries to be the holder with this number; false when somebody else is. */
export async function becomeHolder(locks: string, claim: string, number: number): Promise<boolean> {
  const file = join(locks, String(number));
  try {
    await link(claim, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  const numbers = await numbersIn(locks);
  const late = numbers.some((other) => other > number);
  const outdated = late ? [number] : numbers.filter((other) => other < number);
  await Promise.all(outdated.map((other) => rm(join(locks, String(other)), { force: true })));
  return !late;
}

async function release(locks: string, number: number): Promise<void> {
  await rename(await writeAside(locks, 'released'), join(locks, String(number)));
}

/** A file of our own beside the numbers, to be given its name at once and whole. */
async function writeAside(locks: string, content: string): Promise<string> {
  const file = join(locks, randomUUID());
  await writeFile(file, content, { mode: 0o600 });
  return file;
}

const numbersIn = async (locks: string): Promise<number[]> =>
  (await readdir(locks)).filter((name) => /^\d{1,15}$/.test(name)).map(Number);

/** Why the folder cannot be had, or undefined when its last holder released it or is gone. */
async function whyHeld(file: string, folder: string): Promise<string | undefined> {
  const holder = parseHolder((await readIfPresent(file)) ?? '');
  if (holder === undefined) return undefined;
  if (holder.host !== hostname()) {
    return `by process ${holder.pid} on the host ${holder.host}; if that one is gone for good, remove ${join(folder, 'lock')}`;
  }
  if (!isAlive(holder.pid) || (await beginningOf(holder.pid)) !== holder.began) return undefined;
  return holder.pid === process.pid ? 'by this very process' : `by process ${holder.pid}`;
}

function parseHolder(content: string): Holder | undefined {
  try {
    const value = JSON.parse(content) as Partial<Holder>;
    if (typeof value.pid !== 'number' || typeof value.host !== 'string') return undefined;
    return { pid: value.pid, host: value.host, began: value.began ?? '' };
  } catch {
    return undefined;
  }
}

async function currentHolder(): Promise<Holder> {
  return { pid: process.pid, host: hostname(), began: await beginningOf(process.pid) };
}

/** Field 22 of /proc/PID/stat after the name in parentheses, plus the boot; empty where there is no /proc. */
async function beginningOf(pid: number): Promise<string> {
  const stat = await readIfPresent(`/proc/${pid}/stat`);
  const boot = await readIfPresent('/proc/sys/kernel/random/boot_id');
  if (stat === undefined || boot === undefined) return '';
  return `${boot.trim()}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const inUse = (folder: string, reason: string): MillraceError =>
  new MillraceError(
    'conflict',
    'data_folder_in_use',
    `The data folder ${folder} is in use ${reason}. Stop that process, or choose another folder.`,
  );
