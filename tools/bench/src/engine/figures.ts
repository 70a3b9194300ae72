/** What a durable run costs: Millrace over HTTP, NATS and Postgres with fsync, and peers as their users run them. */

export interface DiamondFigures {
  /** With 64 runs in flight: the median of the rounds. */
  readonly runsPerS: number;
  /** One run at a time, from its start to its known end, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Write-ahead log of Postgres, in KiB; null without Postgres. */
  readonly walKbPerRun: number | null;
  /** Milliseconds of processor time by process, user and system; `client` is the one that asks, where it is one of its own. */
  readonly cpuMsPerRun: Readonly<Record<string, number>>;
}

export interface FanoutFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoopFigures {
  readonly tookMs: number;
  /** What the orchestrator's database has grown by, in KiB, indexes included. */
  readonly storedKb: number;
}

export interface WaitingFigures {
  readonly runs: number;
  /** Of the orchestrator while they wait. */
  readonly memoryMiB: number;
  readonly memoryAfterRestartMiB: number;
  /** From the kill until it is ready again, the start of Node included. */
  readonly startMs: number;
  /** From there until a signal has brought a waiting run to its known end. */
  readonly resumedMs: number;
}

/** By system: `millrace`, another checkout's path, or a peer's name. */
type BySystem<Figures> = Readonly<Record<string, Figures>>;

export interface EngineFigures {
  /** The six-step graph a -> b,c,d -> e -> f, 1 KB per step. */
  readonly diamond: BySystem<DiamondFigures>;
  /** One step, then twenty at once of 50 ms each, then one. */
  readonly fanout: BySystem<FanoutFigures>;
  readonly loop?: BySystem<LoopFigures>;
  readonly waiting?: BySystem<WaitingFigures>;
}

/** The value at a share of the sorted values, 0.5 for the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** To hundredths. */
export const rounded = (value: number): number => Math.round(value * 100) / 100;
