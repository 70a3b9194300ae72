/** Plays the callers of a trial, and keeps the record of what they were answered. */
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceClient } from '@millrace/client';
import type { CancelRecord, StartAttempt, StartRecord, StreamRecord } from '../invariants/evidence.js';
import { Dice } from '../seed/dice.js';
import { signalName } from './graphs.js';
import type { PlannedStart } from './plan.js';
import { requestStart, type StartTarget } from './start-requests.js';

interface GrowingStream extends StreamRecord {
  connections: number;
  readonly positions: number[];
  readonly tokens: string[];
  ended: boolean;
}

export class LoadClient {
  readonly starts: (StartRecord & { readonly attempts: StartAttempt[] })[] = [];
  readonly streams: GrowingStream[] = [];
  readonly cancels: CancelRecord[] = [];
  private readonly client: MillraceClient;
  private readonly over = new AbortController();

  constructor(
    private readonly target: StartTarget,
    private readonly seed: number,
  ) {
    this.client = new MillraceClient({ ...target, timeoutMs: 15_000, attempts: 30 });
  }

  /** How many runs were accepted. */
  get accepted(): number {
    return new Set(this.starts.flatMap(({ attempts }) => attempts.flatMap(({ runId }) => runId ?? []))).size;
  }

  /**
   * Plays a plan, and then its tail until `isEnough` aborts; resolves when every caller has what it wanted or was told
   * to stop.
   */
  async play(plan: readonly PlannedStart[], tail: readonly PlannedStart[], isEnough: AbortSignal): Promise<void> {
    const began = performance.now();
    const at = (moment: number, signal?: AbortSignal): Promise<void> =>
      pause(Math.max(0, moment - (performance.now() - began)), undefined, { signal });
    const playing = plan.map((start) => at(start.atMs).then(() => this.playOne(start)));
    for (const start of tail) {
      await at(start.atMs, isEnough).catch(() => undefined);
      if (isEnough.aborted) break;
      playing.push(this.playOne(start));
    }
    await Promise.all(playing);
  }

  /** Callers stop trying and reading. */
  stop(): void {
    this.over.abort();
  }

  private async playOne(planned: PlannedStart): Promise<void> {
    const runId = await this.start(planned);
    if (runId === null) return;
    const { cancelAfterMs, follow, index, graph } = planned;
    await Promise.all([
      graph === 'chaos-waits' ? this.signalTwice(runId) : undefined,
      cancelAfterMs === null ? undefined : this.cancel(runId, cancelAfterMs),
      follow === 'poll' ? undefined : this.read(runId, follow === 'broken-stream', index),
    ]);
  }

  private async start({ index, graph, key }: PlannedStart): Promise<string | null> {
    const idempotencyKey = key === 'none' ? null : `chaos-${this.seed}-${index}`;
    const record = { graph, idempotencyKey, attempts: [] as StartAttempt[] };
    this.starts.push(record);
    const send = async (body: 0 | 1): Promise<StartAttempt> => {
      const answer = await requestStart(this.target, { graph, input: { index, body } }, idempotencyKey);
      const attempt = { ...answer, body };
      record.attempts.push(attempt);
      return attempt;
    };
    if (key === 'none') return (await send(0)).runId;
    if (key === 'repeated-at-once') await Promise.all([send(0), send(0), send(0)]);
    const runId = await this.until(
      () => send(0),
      ({ runId: id }) => id !== null,
    );
    if (runId !== null && key === 'repeated') await send(0);
    if (runId !== null && key === 'reused-for-another-body') {
      await this.until(
        () => send(1),
        ({ status }) => status !== 0 && status < 500 && status !== 429,
      );
    }
    return runId?.runId ?? null;
  }

  /** Sends until the answer is as wanted; null when the trial was over before. */
  private async until(
    send: () => Promise<StartAttempt>,
    isWanted: (attempt: StartAttempt) => boolean,
  ): Promise<StartAttempt | null> {
    for (let failures = 0; !this.over.signal.aborted; failures += 1) {
      const attempt = await send();
      if (isWanted(attempt)) return attempt;
      await pause(Math.min(1_000, 100 * 2 ** failures), undefined, { signal: this.over.signal }).catch(() => undefined);
    }
    return null;
  }

  private async cancel(runId: string, afterMs: number): Promise<void> {
    await pause(afterMs);
    const answered = await this.client
      .cancelRun(runId, 'chaos', { signal: this.over.signal })
      .then(({ status }) => status)
      .catch(() => null);
    this.cancels.push({ runId, answered });
  }

  /** Sends the signal that a run waits for, and once more under the same key, as a caller does who lost the answer. */
  private async signalTwice(runId: string): Promise<void> {
    for (let times = 0; times < 2 && !this.over.signal.aborted; times += 1) {
      const options = { idempotencyKey: `go-${runId}`, signal: this.over.signal };
      await this.client.signalRun(runId, signalName, { from: 'chaos' }, options).catch(() => undefined);
    }
  }

  /** Reads a run's stream to its end. A broken one is cut by the reader after a few items, and resumed after the last. */
  private async read(runId: string, isCut: boolean, index: number): Promise<void> {
    const dice = new Dice(this.seed, `stream ${index}`);
    const record: GrowingStream = { runId, connections: 0, positions: [], tokens: [], ended: false };
    this.streams.push(record);
    let lastEventId: string | undefined;
    for (let cuts = isCut ? 4 : 0; !record.ended && !this.over.signal.aborted; cuts -= 1) {
      record.connections += 1;
      let left = cuts > 0 ? dice.within([1, 5]) : Infinity;
      const reader = new AbortController();
      const signal = AbortSignal.any([reader.signal, this.over.signal]);
      try {
        for await (const item of this.client.streamRun(runId, { lastEventId, signal, attempts: 1_000 })) {
          lastEventId = item.id;
          if (item.kind === 'token') record.tokens.push(item.id);
          else {
            record.positions.push(item.event.position);
            record.ended = ['RunCompleted', 'RunFailed', 'RunCancelled'].includes(item.event.type);
          }
          if ((left -= 1) <= 0) break;
        }
        // The server says that there is nothing more: this reader had all of it.
        if (left > 0) record.ended = true;
      } catch {
        // Cut off: the next connection goes on after the last item.
      }
      reader.abort();
    }
  }
}
