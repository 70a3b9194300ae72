export interface DiamondFigures {
  /** One run at a time, from the request to the ended run, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** With 64 runs in flight. */
  readonly runsPerSecond: number;
}

export interface DemoFigures {
  readonly embedded: {
    readonly startMs: number;
    readonly startMiB: number;
    readonly ingest1000PagesMs: number;
    readonly afterIngestMiB: number;
    readonly contentRunMs: number;
    readonly diamond: DiamondFigures;
    readonly afterAllMiB: number;
  };
  readonly natsAndPostgres: {
    readonly startMs: number;
    /** Resident memory by service, in MiB. */
    readonly memoryMiB: Readonly<Record<string, number>>;
    readonly diamond: DiamondFigures;
  };
}

/** The value at a share of the sorted values, 0.5 for the median. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
