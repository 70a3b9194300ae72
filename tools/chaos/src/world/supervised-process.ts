/**
 * One process of the system, kept running as an orchestrator of containers does it: whatever ends is started again with the
 * same environment, unless it is held down on purpose.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export interface ProcessRecipe {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Answers 200 when the process can do its work. */
  readonly readyUrl: string;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const restartAfterMs = 250;
const readyTimeoutMs = 60_000;

export class SupervisedProcess {
  /** How it ended whenever nobody asked for it. */
  readonly unexpectedEnds: ProcessEnd[] = [];
  private child: ChildProcess | undefined;
  private ended: Promise<ProcessEnd> = Promise.resolve({ code: null, signal: null });
  private isHeldDown = true;
  private starts = 0;

  constructor(readonly recipe: ProcessRecipe) {}

  get name(): string {
    return this.recipe.name;
  }

  /** Counts the starts, so that one can tell whether it was started again meanwhile. */
  get generation(): number {
    return this.starts;
  }

  start(): void {
    this.isHeldDown = false;
    this.spawn();
  }

  /** Ends it at once and keeps it down. */
  async kill(): Promise<void> {
    this.isHeldDown = true;
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  /** Sends SIGTERM, waits for the end (for `atMostMs`, then it is killed), and keeps it down. */
  async terminate(atMostMs: number): Promise<ProcessEnd> {
    this.isHeldDown = true;
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), atMostMs);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }

  stopTime(): void {
    this.child?.kill('SIGSTOP');
  }

  continueTime(): void {
    this.child?.kill('SIGCONT');
  }

  async isReady(): Promise<boolean> {
    if (this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null) return false;
    const signal = AbortSignal.timeout(2_000);
    const response = await fetch(this.recipe.readyUrl, { signal }).catch(() => undefined);
    await response?.body?.cancel().catch(() => undefined);
    return response?.ok === true;
  }

  /** @throws Error with the end of its log where it does not become ready */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + readyTimeoutMs;
    while (!(await this.isReady())) {
      if (performance.now() > deadline) throw new Error(`${this.name} does not become ready:\n${this.log(4_000)}`);
      await pause(50);
    }
  }

  /** The end of what it has logged. */
  log(characters: number): string {
    return readFileSync(this.recipe.logFile, 'utf8').slice(-characters);
  }

  private spawn(): void {
    const { environment, logFile } = this.recipe;
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, this.recipe.arguments, {
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...environment },
      // The channel ends with this process, however it ends, and the hooks end theirs with it.
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.child = child;
    this.starts += 1;
    this.ended = once(child, 'exit').then((values) => {
      const [code, signal] = values as [number | null, NodeJS.Signals | null];
      return { code, signal };
    });
    void this.ended.then((end) => this.afterEnd(end));
  }

  private async afterEnd(end: ProcessEnd): Promise<void> {
    if (this.isHeldDown) return;
    this.unexpectedEnds.push(end);
    await pause(restartAfterMs);
    if (!this.isHeldDown) this.spawn();
  }
}
