/** What is measured: Millrace from a checkout, or a peer. All of them run the same graphs, each as its users run it. */

/** `diamond`: a -> b, c, d -> e -> f, 1 KB per step. `fanout`: one step, twenty at once of 50 ms each, then one. */
export type Work = 'diamond' | 'fanout';

export interface LoadTimes {
  readonly elapsedMs: number;
  /** Of each run, from its start to its known end. */
  readonly latenciesMs: readonly number[];
}

export interface MeasuredSystem extends AsyncDisposable {
  readonly name: string;
  /** So many runs to their ends, so many at once. @throws Error where one does not complete */
  load(work: Work, runs: number, inFlight: number): Promise<LoadTimes>;
  /** Processor time of each process since its start, in milliseconds. */
  processorMs(): Promise<Readonly<Record<string, number>>>;
  /** Bytes of Postgres's write-ahead log so far; null for a system without Postgres. */
  walBytes(): Promise<number | null>;
}
