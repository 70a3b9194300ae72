/** One process per data folder: two would destroy it. The lock is a file that says whose it is. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '@millrace/kernel';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as the kernel counts it; tells a process from a later one with the same number. */
  readonly began: string;
}

const attempts = 5;

/**
 * Locks a folder, making it if need be, and takes over the lock of a process that is gone.
 * @returns releases the lock
 * @throws MillraceError `data_folder_in_use`
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'lock');
  const own = join(folder, `lock.${randomUUID()}`);
  await writeFile(own, JSON.stringify(await currentHolder()), { mode: 0o600 });
  try {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (await linked(own, file)) return () => rm(file, { force: true });
      await clearStaleLock(file, folder);
    }
    throw inUse(folder, 'several processes are opening it right now');
  } finally {
    await rm(own, { force: true });
  }
}

/** `link` fails when the name exists, whole or not at all: there is no moment with half a lock file. */
async function linked(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function clearStaleLock(file: string, folder: string): Promise<void> {
  const judged = await readIfPresent(file);
  if (judged === undefined) return;
  const reason = await whyHeld(judged, file);
  if (reason !== undefined) throw inUse(folder, reason);
  // Moved aside rather than removed: somebody else may have taken over in between, and then it goes back.
  const aside = `${file}.stale.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readIfPresent(aside)) !== judged) await linked(aside, file);
  await rm(aside, { force: true });
}

/** Why the lock holds, or undefined when its process is gone. */
async function whyHeld(content: string, file: string): Promise<string | undefined> {
  const holder = parseHolder(content);
  if (holder === undefined) return undefined;
  if (holder.host !== hostname()) {
    return `by process ${holder.pid} on the host ${holder.host}; if that one is gone for good, remove ${file}`;
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
