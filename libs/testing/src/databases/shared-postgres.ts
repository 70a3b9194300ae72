/**
 * One Postgres for all test processes of this machine's user, because each start costs a second. Whoever comes first
 * starts it, everybody holds its named pipe open, and it ends when the last of them has. Two that come first at the same
 * moment may end up with a server each, which does no harm.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { databasesOf, guardShared, launchPostgres, withClient, type PostgresServer } from '@millrace/servers';
import { eventually } from '../eventually.js';
import { externalPostgresUrl } from '../servers/postgres.js';

export interface SharedPostgres extends Pick<PostgresServer, 'url' | 'createDatabase' | 'dropDatabase'> {
  /** Whether it ends with the tests; else it is the one that the environment names, and nothing may be left in it. */
  readonly ours: boolean;
}

/** Names the folder of the server that runs now. */
const pointer = join(tmpdir(), `millrace-test-postgres-of-${userInfo().username}`);
const pipeOf = (directory: string): string => join(directory, 'users');
const urlFileOf = (directory: string): string => join(directory, 'url');

let shared: Promise<SharedPostgres> | undefined;

/** @throws MillraceError `server_missing`, saying what to install */
export function sharedPostgres(): Promise<SharedPostgres> {
  return (shared ??= findOrStart());
}

async function findOrStart(): Promise<SharedPostgres> {
  const external = externalPostgresUrl();
  if (external !== undefined) return { url: external, ours: false, ...databasesOf(external) };
  const url = (await useRunning()) ?? (await start());
  return { url, ours: true, ...databasesOf(url) };
}

/** Joins the users of the running server; undefined when there is none. */
async function useRunning(): Promise<string | undefined> {
  let pipe: number | undefined;
  try {
    const { uid } = lstatSync(pointer);
    if (process.getuid !== undefined && uid !== process.getuid()) return undefined;
    const directory = readlinkSync(pointer);
    pipe = hold(pipeOf(directory));
    const url = readFileSync(urlFileOf(directory), 'utf8');
    await withClient(url, (client) => client.query('select 1'));
    return url;
  } catch {
    if (pipe !== undefined) closeSync(pipe);
    return undefined;
  }
}

/** Open until this process ends. Fails when the guard at the other end is gone. */
const hold = (pipe: string): number => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);

async function start(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-test-postgres-'));
  const pipe = pipeOf(directory);
  execFileSync('/bin/sh', ['-c', 'mkfifo -m 600 "$1"', 'sh', pipe]);
  guardShared({ directory, signal: 'QUIT', removes: true }, pipe);
  await eventually(() => hold(pipe), { describe: 'the guard of the shared Postgres listens' });
  const { url } = await launchPostgres({ folder: directory, detached: true, guarded: false });
  writeFileSync(urlFileOf(directory), url, { mode: 0o600 });
  publish(directory);
  return url;
}

/** Later processes find this server. One that was published meanwhile is left to those who use it already. */
function publish(directory: string): void {
  rmSync(pointer, { force: true });
  try {
    symlinkSync(directory, pointer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
