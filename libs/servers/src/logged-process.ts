/** One child process: its log, its process id in a file for the guard, and how it ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProcessCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  /** The process's own folder: its working directory, with `<name>.log` and `<name>.pid`. */
  readonly directory: string;
  /** Default `server`. */
  readonly name?: string;
  /** All variables of the process. Default: those of this one. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  /** The user to run as, when not the current one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Whether it is out of reach of an interrupt of this process's terminal. */
  readonly detached?: boolean;
}

export interface ExitInfo {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface LoggedProcess {
  readonly pid: number;
  readonly logFile: string;
  readonly running: boolean;
  /** Resolves when the process has ended. */
  readonly ended: Promise<ExitInfo>;
  /** As `ended`, and keeps this process waiting; otherwise a running child does not. */
  untilEnded(): Promise<ExitInfo>;
  signal(signal: NodeJS.Signals): void;
  /** What it has written since it was started, its last `characters` (default 4,000). */
  log(characters?: number): string;
}

export const describeExit = ({ code, signal }: ExitInfo): string =>
  signal === null ? `exit code ${code}` : `signal ${signal}`;

/** Starts a process whose output is added to its log. @throws Error when the program cannot be started at all. */
export async function startLogged(command: ProcessCommand): Promise<LoggedProcess> {
  const { directory, name = 'server' } = command;
  const logFile = join(directory, `${name}.log`);
  const begin = existsSync(logFile) ? statSync(logFile).size : 0;
  const output = openSync(logFile, 'a', 0o600);
  const child = spawn(command.program, command.arguments, {
    cwd: command.workingDirectory ?? directory,
    stdio: ['ignore', output, output],
    detached: command.detached === true,
    env: { ...(command.environment ?? process.env) },
    ...command.user,
  });
  closeSync(output);
  const pid = await startedPid(child);
  const pidFile = join(directory, `${name}.pid`);
  writeFileSync(pidFile, String(pid));
  const ended = new Promise<ExitInfo>((resolve) => {
    child.once('exit', (code, signal) => {
      if (existsSync(directory)) writeFileSync(pidFile, '');
      resolve({ code, signal });
    });
  });
  child.unref();
  return {
    pid,
    logFile,
    ended,
    untilEnded: () => {
      child.ref();
      return ended;
    },
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    signal: (signal) => void child.kill(signal),
    log: (characters = 4_000) => readEnd(logFile, begin, characters),
  };
}

function startedPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

/** The end of what a file holds after its first `begin` bytes. */
function readEnd(file: string, begin: number, length: number): string {
  const handle = openSync(file, 'r');
  try {
    const { size } = statSync(file);
    const from = Math.max(begin, size - length);
    const bytes = Buffer.alloc(Math.max(0, size - from));
    readSync(handle, bytes, 0, bytes.length, from);
    return bytes.toString('utf8');
  } finally {
    closeSync(handle);
  }
}
