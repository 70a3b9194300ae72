/**
 * One process of the system, kept running as an orchestrator of containers does it: whatever ends is started again with the
 * same environment, unless it is held down on purpose.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceProcess } from '@millrace/cluster';
import type { ExitInfo } from '@millrace/servers';

/** What is supervised: a service of the cluster, or the subscriber. */
export type Child = Pick<
  ServiceProcess,
  'name' | 'running' | 'healthUrl' | 'logFile' | 'kill' | 'restart' | 'exited' | 'output'
>;

const restartAfterMs = 250;
const readyTimeoutMs = 90_000;
const probeTimeoutMs = 2_000;

export class SupervisedProcess {
  /** How it ended whenever nobody asked for it. */
  readonly unexpectedEnds: ExitInfo[] = [];
  /** Counts its starts, so that one can tell whether it was started again meanwhile. */
  generation = 1;
  private isHeldDown = false;
  private isPaused = false;
  private isReleased = false;

  constructor(private readonly child: Child) {
    void this.superviseOnce();
  }

  get name(): string {
    return this.child.name;
  }

  get logFile(): string {
    return this.child.logFile;
  }

  /** Ends it at once and keeps it down. */
  async kill(): Promise<void> {
    this.isHeldDown = true;
    await this.child.kill('SIGKILL');
  }

  /** Sends SIGTERM, waits for the end (for `atMostMs`, then it is killed), and keeps it down. */
  async terminate(atMostMs: number): Promise<ExitInfo> {
    this.isHeldDown = true;
    const timer = setTimeout(() => void this.child.kill('SIGKILL'), atMostMs);
    await this.child.kill('SIGTERM');
    clearTimeout(timer);
    return this.child.exited;
  }

  /** Starts it again after `kill` or `terminate`. */
  async start(): Promise<void> {
    if (this.isReleased) return;
    this.isHeldDown = false;
    await this.startAgain();
  }

  async stopTime(): Promise<void> {
    this.isPaused = true;
    await this.child.kill('SIGSTOP');
  }

  async continueTime(): Promise<void> {
    await this.child.kill('SIGCONT');
    this.isPaused = false;
  }

  /** From now on whatever ends stays ended, also where a fault that is still being healed would start it again. */
  release(): void {
    this.isReleased = true;
    this.isHeldDown = true;
  }

  /**
   * Does not wait for one that is held down or paused: whoever does that waits for it afterwards.
   * @throws Error with the end of its log where it does not become ready
   */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + readyTimeoutMs;
    while (!this.isHeldDown && !this.isPaused && !(await this.isReady())) {
      if (performance.now() > deadline) {
        throw new Error(`${this.name} does not become ready:\n${this.child.output().slice(-4_000)}`);
      }
      await pause(50);
    }
  }

  private async isReady(): Promise<boolean> {
    if (!this.child.running) return false;
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const response = await fetch(`${this.child.healthUrl}/readyz`, { signal }).catch(() => undefined);
    await response?.body?.cancel().catch(() => undefined);
    return response?.ok === true;
  }

  private async superviseOnce(): Promise<void> {
    const end = await this.child.exited;
    if (this.isHeldDown) return;
    this.unexpectedEnds.push(end);
    await pause(restartAfterMs);
    if (!this.isHeldDown) await this.startAgain();
  }

  private async startAgain(): Promise<void> {
    await this.child.restart();
    this.generation += 1;
    void this.superviseOnce();
  }
}
