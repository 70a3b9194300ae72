/** A process of the simulated system: it lives until it crashes or ends, and may stand still for a while. */
import type { Program } from '../time/virtual-time.js';

export class SimulatedProcess implements Program {
  isAlive = true;
  frozenUntil = 0;
  /** How far its clock is ahead of the world's, in milliseconds. */
  readonly clockSkewMs: number;
  private readonly onDeath: (() => void)[] = [];

  constructor(
    readonly name: string,
    clockSkewMs: number,
    /** Whether faults may hit it. */
    readonly isMortal = true,
  ) {
    this.clockSkewMs = clockSkewMs;
  }

  /** What the operating system does for it when it is gone, such as closing its connections. */
  whenGone(act: () => void): void {
    this.onDeath.push(act);
  }

  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const act of this.onDeath) act();
  }
}
