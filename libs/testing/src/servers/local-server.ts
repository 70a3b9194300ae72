/** The life of one real server on this machine: a free port, readiness raced against early exit, kill, restart, stop. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { spawnServer, type ServerCommand, type ServerProcess } from './server-process.js';

export interface ServerRecipe {
  readonly name: string;
  readonly directory: string;
  readonly command: (port: number) => ServerCommand;
  /** Resolves when the server answers its own protocol; throws while it does not. */
  readonly answers: (port: number) => Promise<void>;
  /** How the server is asked to end in good order. */
  readonly stopSignal: NodeJS.Signals;
  /** Calls off the guard of the folder, which began with the folder. */
  readonly releaseGuard: () => void;
}

const readyTimeoutMs = 30_000;
const startAttempts = 5;
const portTaken = /address (already )?in use/i;
/** What the server's former self held is still being given back: its port, or the shared memory of Postgres. */
const notYetReleased = /address (already )?in use|pre-existing shared memory block|lock file "postmaster.pid" already/i;

/** A new folder for a server; `stop` removes it, or the guard when this process ends. */
export const serverDirectory = (name: string): string => mkdtempSync(join(tmpdir(), `millrace-test-${name}-`));

export class LocalServer {
  private constructor(
    private readonly recipe: ServerRecipe,
    readonly port: number,
    private process: ServerProcess,
  ) {}

  /** @throws Error with the end of the server's log when it ends before it answers. */
  static async start(recipe: ServerRecipe): Promise<LocalServer> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      try {
        return new LocalServer(recipe, port, await startAndWait(recipe, port));
      } catch (error) {
        if (attempt < startAttempts && portTaken.test(String(error))) continue;
        removeDirectory(recipe.directory);
        recipe.releaseGuard();
        throw error;
      }
    }
  }

  /** Sends a signal; unless it only pauses or continues the server, waits for its end. Data and port stay for `restart`. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.process.running) return;
    this.process.signal(signal);
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await this.process.untilEnded();
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

  /** Ends the server and removes its folder. Safe to call twice. */
  async stop(): Promise<void> {
    await this.end();
    removeDirectory(this.recipe.directory);
    this.recipe.releaseGuard();
  }

  private async end(): Promise<void> {
    if (!this.process.running) return;
    this.process.signal('SIGCONT');
    this.process.signal(this.recipe.stopSignal);
    await this.process.untilEnded();
  }
}

/** The processes of a killed server may still write while we remove. */
const removeDirectory = (directory: string): void =>
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });

async function startAndWait(recipe: ServerRecipe, port: number): Promise<ServerProcess> {
  const process = await spawnServer(recipe.command(port));
  let givenUp = false;
  const ready = eventually(
    async () => {
      if (!givenUp) await recipe.answers(port);
      return true as const;
    },
    { timeoutMs: readyTimeoutMs, describe: `${recipe.name} answers on port ${port}` },
  );
  try {
    const outcome = await Promise.race([ready, process.ended]);
    if (outcome !== true) throw new Error(`${recipe.name} ended (${outcome}) before it answered:\n${process.log()}`);
    return process;
  } catch (error) {
    givenUp = true;
    await ready.catch(() => undefined);
    if (process.running) process.signal('SIGKILL');
    throw error;
  }
}

/** A port that was free a moment ago. Somebody may take it in between: the start is tried again with another one then. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
