/**
 * Gives the turns of threads, tells the runs, and cancels those that are interrupted.
 *
 * 1. A commit by which a run came to a thread or left it is followed by giving the next turn there; that happens one at a time for each thread.
 * 2. Nothing here is kept in memory: what another replica owns is told by that replica's next sweep, as is whatever a crash left untold. An
 *    interruption is repeated until the run has ended.
 */
import type { MessageContext } from '@millrace/contracts';
import type { Clock } from '@millrace/kernel';
import type { LeaseBook } from '../partition/lease-book.js';
import { SweptWork } from '../partition/swept-work.js';
import type { Turn } from '../run/turn.js';
import type { Interruption, ThreadKey, ThreadStore, ThreadTurn } from './thread.store.js';

export interface ThreadTurnsParts {
  readonly store: Pick<ThreadStore, 'next' | 'open'>;
  readonly leases: LeaseBook;
  readonly clock: Clock;
  readonly sweepMs: number;
  /** Tells a run that it is its turn. */
  readonly tell: (turn: ThreadTurn) => Promise<unknown>;
  readonly cancel: (
    context: MessageContext,
    command: { readonly runId: string; readonly reason: string },
  ) => Promise<unknown>;
  readonly onFailure: (message: string, error: unknown) => void;
}

export class ThreadTurns {
  private readonly swept: SweptWork<ThreadKey>;

  constructor(private readonly parts: ThreadTurnsParts) {
    this.swept = new SweptWork<ThreadKey>({
      sweepMs: parts.sweepMs,
      keyOf: ({ tenantId, threadId }) => `${tenantId}/${threadId}`,
      work: (thread) => this.give(thread),
      sweep: () => this.sweep(),
    });
  }

  start(): void {
    this.swept.start();
  }

  stop(): void {
    this.swept.stop();
  }

  /** Learns of the runs that came to a thread or left it in a committed batch. */
  note(turns: readonly Turn[]): void {
    for (const { key, thread } of turns) {
      const place = thread?.left ?? (thread?.set?.isTaken === false ? thread.set : null);
      if (place) this.swept.ask({ tenantId: key.tenantId, threadId: place.threadId });
    }
  }

  private async give(thread: ThreadKey): Promise<void> {
    try {
      const { turn, interrupted } = await this.parts.store.next(thread, this.parts.clock.now());
      if (turn !== null) this.tellOwned([turn]);
      for (const interruption of interrupted) this.interrupt(thread, interruption);
    } catch (error) {
      this.parts.onFailure('The next turn of a thread could not be given; a later sweep tries again.', error);
    }
  }

  private interrupt({ tenantId, threadId }: ThreadKey, { key: { runId }, by }: Interruption): void {
    const context = { tenantId, correlationId: by, causationId: by };
    this.parts
      .cancel(context, { runId, reason: `interrupted by ${by} in the thread ${threadId}` })
      .catch((error: unknown) =>
        this.parts.onFailure('A run could not be interrupted; a later sweep tries again.', error),
      );
  }

  private tellOwned(turns: readonly ThreadTurn[]): void {
    for (const turn of turns) {
      if (!this.parts.leases.owns(turn.key.partition)) continue;
      this.parts
        .tell(turn)
        .catch((error: unknown) => this.parts.onFailure('A run could not be told of its turn; a sweep does.', error));
    }
  }

  private async sweep(): Promise<void> {
    try {
      const partitions = this.parts.leases.held().map(({ partition }) => partition);
      const { turns, waiting } = await this.parts.store.open(partitions);
      this.tellOwned(turns);
      for (const thread of waiting) this.swept.ask(thread);
    } catch (error) {
      this.parts.onFailure('The lines at threads could not be read; trying again.', error);
    }
  }
}
