/** Finds the program of a real server: on the PATH, where packages put it, or, as root on Debian, by installing its package. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/kernel';

const run = promisify(execFile);

export interface ProgramSource {
  /** The program's name, e.g. `nats-server`. */
  readonly program: string;
  /** The Debian and Ubuntu package that holds it. */
  readonly debianPackage: string;
  /** How people elsewhere get it, for the error. */
  readonly otherwise: string;
  /** How to name a running server instead, for the error: "set REDIS_URL to the address of a running server". */
  readonly instead?: string;
}

/** Folders outside the usual PATH in which packages of Debian, Homebrew and others put servers. */
function packageFolders(): string[] {
  const versions = '/usr/lib/postgresql';
  const newestFirst = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...newestFirst.map((version) => join(versions, version, 'bin')),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/opt/homebrew/bin',
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The program's path, links not resolved (some programs decide by their name what they are), or undefined. */
export function locateProgram(program: string, searchPath = process.env.PATH ?? ''): string | undefined {
  const folders = [...searchPath.split(delimiter).filter((folder) => folder !== ''), ...packageFolders()];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/**
 * The program's path; installs its Debian package when it is missing and this is root on Debian or Ubuntu.
 * @throws MillraceError `server_missing`, saying what to install.
 */
export async function findProgram(source: ProgramSource): Promise<string> {
  const present = locateProgram(source.program);
  if (present !== undefined) return present;
  const problem = await installPackage(source.debianPackage);
  const installed = locateProgram(source.program);
  if (installed !== undefined) return installed;
  throw missingProgram(source, problem);
}

export function missingProgram(source: ProgramSource, problem: string): MillraceError {
  const instead = source.instead === undefined ? '' : ` Or ${source.instead}.`;
  return new MillraceError(
    'unavailable',
    'server_missing',
    `A real ${source.program} is needed, and there is none on the PATH (${problem}). ` +
      `On Debian or Ubuntu: apt-get install ${source.debianPackage}. Elsewhere: ${source.otherwise}.${instead}`,
    { retryable: false },
  );
}

/** Tries to install; gives the reason why the program may still be missing. */
async function installPackage(debianPackage: string): Promise<string> {
  if (process.getuid?.() !== 0) return 'not root, so it was not installed';
  if (!isExecutable('/usr/bin/apt-get')) return 'no apt-get here, so it was not installed';
  // One install at a time on this machine; RUNLEVEL=1 keeps the package from starting a system service.
  const install = `
    apt-get install -y --no-install-recommends "$1" ||
    { apt-get update && apt-get install -y --no-install-recommends "$1"; }`;
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  try {
    await run('flock', ['/tmp/millrace-install.lock', 'sh', '-c', install, 'sh', debianPackage], {
      env: environment,
      maxBuffer: 16 * 1024 * 1024,
    });
    return 'apt-get installed the package, yet the program is not found';
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    return `apt-get could not install it: ${stderr.trim().split('\n').at(-1) ?? 'unknown reason'}`;
  }
}
