/** What a durable run costs, over NATS and Postgres through HTTP. */
export interface EngineFigures {
  /** The shipped six-step graph a -> b,c,d -> e -> f, 1 KB per step. */
  readonly diamond: {
    readonly millrace: {
      /** With 64 runs in flight: the median of the rounds. */
      readonly runsPerS: number;
      /** One run at a time, from the request to the ended run, in milliseconds. */
      readonly p50Ms: number;
      readonly p99Ms: number;
      /** Write-ahead log of Postgres, in KiB. */
      readonly walKbPerRun: number;
      /** Milliseconds of processor time by process, user and system; `client` is the one that asks. */
      readonly cpuMsPerRun: Readonly<Record<string, number>>;
    };
  };
  /** One step, then twenty at once of 50 ms each, then one. */
  readonly fanout: { readonly millrace: { readonly p50Ms: number; readonly p99Ms: number } };
}

/** The value at a share of the sorted values, 0.5 for the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
