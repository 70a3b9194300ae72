/** One child process of a real server, its log, and the guard that ends it with the process that started it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

export interface ServerCommand {
  readonly program: string;
  readonly arguments: readonly string[];
  /** The server's own folder: its working directory, its log, its data. */
  readonly directory: string;
  /** The user to run as, when not the current one. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Whether it outlives this process and an interrupt of its terminal. */
  readonly detached?: boolean;
}

export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the process has ended, with how it did. */
  readonly ended: Promise<string>;
  /** As `ended`, and keeps this process waiting; otherwise a running server does not. */
  untilEnded(): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** The end of what the server has logged. */
  log(): string;
}

/** @throws Error when the program cannot be started at all. */
export async function spawnServer(command: ServerCommand): Promise<ServerProcess> {
  const logFile = join(command.directory, 'server.log');
  const output = openSync(logFile, 'w');
  const child = spawn(command.program, command.arguments, {
    cwd: command.directory,
    stdio: ['ignore', output, output],
    detached: command.detached === true,
    ...command.user,
  });
  closeSync(output);
  const pid = await startedPid(child);
  const pidFile = join(command.directory, 'server.pid');
  writeFileSync(pidFile, String(pid));
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      writeFileSync(pidFile, '');
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
  child.unref();
  return {
    pid,
    ended,
    untilEnded: () => {
      child.ref();
      return ended;
    },
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    signal: (signal) => void child.kill(signal),
    log: () => readFileSync(logFile, 'utf8').slice(-4_000),
  };
}

function startedPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}

const guardScript = `
  if [ -n "$3" ]; then exec < "$3"; fi
  if read -r released; then exit 0; fi
  pid=$(cat "$1/server.pid")
  if [ -n "$pid" ]; then
    kill -CONT "$pid" 2>/dev/null
    kill -"$2" "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  fi
  rm -rf "$1"`;

type GuardSignal = 'KILL' | 'QUIT';

const startGuard = (directory: string, signal: GuardSignal, pipe: string): ChildProcess => {
  const child = spawn('/bin/sh', ['-c', guardScript, 'sh', directory, signal, pipe], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  return child;
};

/**
 * Ends the server of a folder and removes the folder when this process ends, however it ends: the guard waits for the
 * end of a pipe that only this process holds open. (Under Jest `process.on('exit')` never fires, and SIGKILL fires nothing.)
 * @returns releases the guard without harm
 */
export function guardDirectory(directory: string, signal: GuardSignal): () => void {
  const { stdin } = startGuard(directory, signal, '');
  if (stdin === null) throw new Error('The guard of a test server has no standard input.');
  stdin.on('error', () => undefined);
  // The pipe keeps the guard waiting; it must not keep the tests from ending.
  if (stdin instanceof Socket) stdin.unref();
  return () => stdin.end('released\n');
}

/**
 * As `guardDirectory`, for a server that several processes share: it lives as long as any of them holds the named pipe
 * open for writing. The kernel counts, so a killed process counts no more.
 */
export function guardSharedDirectory(directory: string, signal: GuardSignal, pipe: string): void {
  startGuard(directory, signal, pipe).stdin?.destroy();
}
