import { setTimeout as sleep } from 'node:timers/promises';
import type { Envelope } from '@millrace/contracts';
import { toMillraceError, type ErrorKind, type MillraceError } from '@millrace/kernel';
import type { Headers, MessageBus } from '@millrace/messaging';
import type { z } from 'zod';

const firstDelayMs = 50;
const longestDelayMs = 5_000;
const replyTimeoutMs = 10_000;

const refusals: ReadonlySet<ErrorKind> = new Set(['invalid', 'too-large', 'unsupported']);

/** Whether a reply says that the same result will never be taken. */
export const isRefusal = (error: MillraceError): boolean => refusals.has(error.kind);

export interface OwnerRequest<Reply> {
  readonly bus: MessageBus;
  readonly replyTo: string;
  readonly envelope: Envelope;
  readonly response: z.ZodType<Reply>;
  readonly headers: Headers;
  /** Ends the trying; the result is lost to this worker then, and the task goes back. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: MillraceError) => void;
}

/**
 * Asks the owner of a run until somebody replies, however long that takes: the reply comes after the orchestrator's commit, so
 * without it a result may be nowhere else. A repeat changes nothing.
 * @throws MillraceError as refused by the responder, or the signal's reason.
 */
export async function askOwner<Reply>(request: OwnerRequest<Reply>): Promise<Reply> {
  const { bus, replyTo, envelope, headers, signal } = request;
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted();
    try {
      const reply = await bus.request({ subject: replyTo, envelope, headers }, { timeoutMs: replyTimeoutMs, signal });
      return request.response.parse(reply);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = toMillraceError(thrown);
      if (isRefusal(error)) throw error;
      request.onRetry(error);
      await pauseAfter(failures, error, signal);
    }
  }
}

/** Waits longer with every failure, and never in step with other workers. */
export async function pauseAfter(failures: number, error: MillraceError, signal: AbortSignal): Promise<void> {
  const longest = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 10));
  const asked = Math.min((error.retryAfterSeconds ?? 0) * 1_000, longestDelayMs);
  await sleep(Math.max(asked, longest * (0.5 + Math.random() / 2)), undefined, { signal }).catch(() => undefined);
}
