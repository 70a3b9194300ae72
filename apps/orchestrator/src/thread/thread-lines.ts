/** Lets runs into the line at their thread before they are stored, or refuses them. */
import { MillraceError, type Clock } from '@millrace/kernel';
import type { OnBusy } from '@millrace/contracts';
import { overloadRefusals } from '@millrace/telemetry';
import type { CompiledGraph } from '@millrace/workflow';
import type { RunKey } from '../run/hot-run.js';
import { mostInLine } from './thread-line.js';
import type { ThreadStore } from './thread.store.js';

/** The thread that a run wants into. */
export interface WantedPlace {
  readonly threadId: string;
  readonly onBusy: OnBusy;
}

/** What a start says, or else its graph. @throws MillraceError `thread_missing` */
export function wantedPlace(
  { thread, onBusy }: { readonly thread?: string | undefined; readonly onBusy?: OnBusy | undefined },
  policy: CompiledGraph['thread'],
): WantedPlace | null {
  if (thread !== undefined) return { threadId: thread, onBusy: onBusy ?? policy?.onBusy ?? 'queue' };
  if (onBusy === undefined) return null;
  throw new MillraceError('invalid', 'thread_missing', '`onBusy` says what happens in a thread: name a `thread`.', {
    violations: [{ pointer: '/thread', message: 'is needed with onBusy' }],
  });
}

const refusals = overloadRefusals.at({ 'millrace.queue': 'thread' });

export class ThreadLines {
  constructor(
    private readonly store: Pick<ThreadStore, 'admit' | 'withdraw'>,
    private readonly clock: Clock,
    private readonly onFailure: (message: string, error: unknown) => void,
  ) {}

  /**
   * Keeps a place for a run while it is stored; it is let go where that fails.
   * @throws MillraceError `thread_busy` with the run that is under way, `thread_queue_full`, and what `store` throws
   */
  async inLine<Stored>(key: RunKey, { threadId, onBusy }: WantedPlace, store: () => Promise<Stored>): Promise<Stored> {
    const admitted = await this.store.admit(key, { threadId, onBusy, now: this.clock.now() });
    if (admitted.kind === 'busy') throw threadBusy(threadId, admitted.runId);
    if (admitted.kind === 'full') {
      refusals.add(1);
      throw queueFull(threadId);
    }
    try {
      return await store();
    } catch (error) {
      // Where it was stored all the same, the place is the run's already and stays.
      await this.store
        .withdraw(key)
        .catch((cause: unknown) => this.onFailure('A place in a thread could not be let go; it is soon.', cause));
      throw error;
    }
  }
}

/** Names the run in a place of its own, so that a caller need not take words apart. */
export function threadBusy(threadId: string, runId: string): MillraceError {
  const message = `The run ${runId} is under way in the thread ${threadId}. Wait for its end, or cancel it.`;
  return new MillraceError('conflict', 'thread_busy', message, {
    violations: [{ pointer: '/thread', message: runId }],
  });
}

function queueFull(threadId: string): MillraceError {
  const message = `${mostInLine} runs wait in the thread ${threadId} already. Try again when some have ended.`;
  return new MillraceError('overloaded', 'thread_queue_full', message, { retryAfterSeconds: 5 });
}
