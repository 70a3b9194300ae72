/** Ends a child with the process that started it, however that one ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

export interface GuardOptions {
  /** The folder in which `<name>.pid` says which process it is. */
  readonly directory: string;
  /** Default `server`. */
  readonly name?: string;
  /** How it is ended. */
  readonly signal: 'KILL' | 'QUIT' | 'TERM' | 'INT';
  /** Whether the folder goes with it. */
  readonly removes: boolean;
}

const guardScript = `
  if [ -n "$5" ]; then exec < "$5"; fi
  if read -r released; then exit 0; fi
  pid=$(cat "$1/$2.pid" 2>/dev/null)
  if [ -n "$pid" ]; then
    kill -CONT "$pid" 2>/dev/null
    kill -"$3" "$pid" 2>/dev/null
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  fi
  if [ "$4" = removes ]; then rm -rf "$1"; fi`;

function startGuard({ directory, name = 'server', signal, removes }: GuardOptions, pipe: string): ChildProcess {
  const words = ['-c', guardScript, 'sh', directory, name, signal, removes ? 'removes' : 'keeps', pipe];
  const child = spawn('/bin/sh', words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.unref();
  return child;
}

/**
 * Ends a child when this process ends: the guard waits for the end of a pipe that only this process holds open.
 * (Under Jest `process.on('exit')` never fires, and SIGKILL fires nothing.)
 * @returns releases the guard without harm
 */
export function guard(options: GuardOptions): () => void {
  const { stdin } = startGuard(options, '');
  if (stdin === null) throw new Error('The guard of a child process has no standard input.');
  stdin.on('error', () => undefined);
  // The pipe keeps the guard waiting; it must not keep this process from ending.
  if (stdin instanceof Socket) stdin.unref();
  return () => stdin.end('released\n');
}

/**
 * As `guard`, for a server that several processes share: it lives as long as any of them holds the named pipe
 * open for writing. The kernel counts, so a killed process counts no more.
 */
export function guardShared(options: GuardOptions, pipe: string): void {
  startGuard(options, pipe).stdin?.destroy();
}
