/** The life of one real server on this machine: a port, readiness raced against early exit, kill, restart, stop. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { guard, type GuardOptions } from './guard.js';
import { describeExit, startLogged, type ExitInfo, type LoggedProcess, type ProcessCommand } from './logged-process.js';

/** Where a server lives. */
export interface ServerPlace {
  /** Its folder, made where it is missing; data stay in it. Without one it lives in a temporary folder that goes with it. */
  readonly folder?: string;
  /** On 127.0.0.1. Without one the system chooses. */
  readonly port?: number;
  /** Whether it is out of reach of an interrupt of this process's terminal. */
  readonly detached?: boolean;
  /** False where somebody else sees to it that it ends and that its folder goes. */
  readonly guarded?: boolean;
}

export interface ServerRecipe {
  readonly name: string;
  readonly command: (port: number) => ProcessCommand;
  /** Resolves when the server answers its own protocol; throws while it does not. */
  readonly answers: (port: number) => Promise<void>;
  /** How the server is asked to end in good order. */
  readonly stopSignal: NodeJS.Signals;
  /** What kills all of it at once. Default SIGKILL. */
  readonly killSignal?: NodeJS.Signals;
  readonly url: (port: number) => string;
}

/** What every launched server can do. */
export interface ManagedServer extends AsyncDisposable {
  /** With the credentials of who may do everything. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  /** How what runs now, or ran last, ended. */
  readonly exited: Promise<ExitInfo>;
  /** Sends a signal (default one that kills all of it at once) and waits for the end; SIGSTOP and SIGCONT pause and continue. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts again on the same port and data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const readyTimeoutMs = 30_000;
const lookEveryMs = 20;
const startAttempts = 5;
const portTaken = /address (already )?in use/i;
/** What the server's former self held is still being given back: its port, or the shared memory of Postgres. */
const notYetReleased = /address (already )?in use|pre-existing shared memory block|lock file "postmaster.pid" already/i;

/** The folder of a server. A temporary one goes at the end, or with this process. */
export class ServerFolder {
  private constructor(
    readonly path: string,
    private readonly isTemporary: boolean,
    private readonly release: () => void,
  ) {}

  static open(
    name: string,
    place: ServerPlace,
    signals: Readonly<Record<'temporary' | 'kept', GuardOptions['signal']>>,
  ) {
    const isTemporary = place.folder === undefined;
    const path = resolve(place.folder ?? mkdtempSync(join(tmpdir(), `millrace-${name}-`)));
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const isGuarded = place.guarded !== false;
    const signal = isTemporary ? signals.temporary : signals.kept;
    const release = isGuarded ? guard({ directory: path, signal, removes: isTemporary }) : () => undefined;
    return new ServerFolder(path, isTemporary, release);
  }

  /** The processes of a killed server may still write while we remove. */
  leave(): void {
    if (this.isTemporary) rmSync(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    this.release();
  }
}

export class LocalServer implements ManagedServer {
  private constructor(
    private readonly recipe: ServerRecipe,
    private readonly folder: ServerFolder,
    readonly port: number,
    private process: LoggedProcess,
  ) {}

  /** @throws Error with the end of the server's log when it ends before it answers. */
  static async start(recipe: ServerRecipe, folder: ServerFolder, fixedPort?: number): Promise<LocalServer> {
    for (let attempt = 1; ; attempt++) {
      const port = fixedPort ?? (await freePort());
      try {
        return new LocalServer(recipe, folder, port, await startAndWait(recipe, port));
      } catch (error) {
        // Somebody took the port in between.
        if (fixedPort === undefined && attempt < startAttempts && portTaken.test(String(error))) continue;
        folder.leave();
        throw error;
      }
    }
  }

  get url(): string {
    return this.recipe.url(this.port);
  }

  get pid(): number {
    return this.process.pid;
  }

  get exited(): Promise<ExitInfo> {
    return this.process.ended;
  }

  get logFile(): string {
    return this.process.logFile;
  }

  /** Sends a signal; unless it only pauses or continues the server, waits for its end. Data and port stay for `restart`. */
  async kill(signal: NodeJS.Signals = this.recipe.killSignal ?? 'SIGKILL'): Promise<void> {
    if (!this.process.running) return;
    this.process.signal(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.process.untilEnded();
  }

  /** Sends a signal that a running server goes on after. */
  tell(signal: NodeJS.Signals): void {
    this.process.signal(signal);
  }

  /** Starts again on the same port and data, after a stop in good order if it still runs. */
  async restart(): Promise<void> {
    await this.end();
    const deadline = performance.now() + readyTimeoutMs;
    for (;;) {
      try {
        this.process = await startAndWait(this.recipe, this.port);
        return;
      } catch (error) {
        if (performance.now() > deadline || !notYetReleased.test(String(error))) throw error;
        await pause(100);
      }
    }
  }

  /** Ends the server, and removes its folder where that is a temporary one. Safe to call twice. */
  async stop(): Promise<void> {
    await this.end();
    this.folder.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async end(): Promise<void> {
    if (!this.process.running) return;
    this.process.signal('SIGCONT');
    this.process.signal(this.recipe.stopSignal);
    await this.process.untilEnded();
  }
}

async function startAndWait(recipe: ServerRecipe, port: number): Promise<LoggedProcess> {
  const process = await startLogged(recipe.command(port));
  try {
    await untilAnswers(recipe, port, process);
    return process;
  } catch (error) {
    if (process.running) process.signal('SIGKILL');
    throw error;
  }
}

async function untilAnswers({ name, answers }: ServerRecipe, port: number, process: LoggedProcess): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  for (;;) {
    const failure = await answers(port).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!process.running) {
      const how = describeExit(await process.ended);
      throw new Error(`${name} ended (${how}) before it answered:\n${process.log()}`, { cause: failure });
    }
    if (failure === undefined) return;
    if (performance.now() > deadline) {
      throw new Error(`${name} does not answer on port ${port}:\n${process.log()}`, { cause: failure });
    }
    await pause(lookEveryMs);
  }
}
