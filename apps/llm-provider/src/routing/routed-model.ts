/**
 * Several models behind one name.
 *
 * 1. A call goes to another target only while nothing of an answer has been shown.
 * 2. A target whose circuit is open, that is busy, that is over its limits or that asked to be left alone is not asked.
 * 3. A failure that no other target would spare the caller (a wrong request, a content filter) is the caller's at once.
 * 4. Where the route hedges, a second target is asked while the first shows nothing (see `hedged-call.ts`).
 * 5. When every target is busy the call waits, in turns by tenant, until the queue's deadline.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { MillraceError } from '@millrace/kernel';
import { fairQueue, type FairQueue } from '@millrace/resilience';
import type { ChatAnswer, ChatListener, ChatModel, ChatRequest } from '../providers/chat-model.js';
import { hedgedCall } from './hedged-call.js';
import { orderTargets, type TargetState } from './order-targets.js';
import type { Route } from './route.js';
import type { Target } from './target.js';

/** Failures of a target that say nothing about another one. */
const ofTheTarget: ReadonlySet<string> = new Set([
  'provider_rate_limited',
  'provider_quota_exhausted',
  'provider_unavailable',
  'provider_timeout',
  'provider_stream_cut',
  'provider_invalid_response',
  'provider_authentication_failed',
  'provider_overloaded',
  'secret_unreadable',
  // There may be room for a cheaper one.
  'budget_exceeded',
]);

/** Longer than this nobody waits for a target to come back; the caller is told to. */
const longestPauseMs = 10_000;
const firstPauseMs = 200;

/** Made once. */
type Call = (listener: ChatListener) => Promise<ChatAnswer>;

export class RoutedModel implements ChatModel {
  readonly name: string;
  private readonly queue: FairQueue;

  constructor(
    private readonly route: Route,
    private readonly targets: readonly Target[],
    private readonly fallback: readonly Target[],
    private readonly random: () => number = Math.random,
  ) {
    this.name = `route:${route.name}`;
    const slots = [...targets, ...fallback].reduce((sum, { concurrency }) => sum + concurrency, 0);
    const { size, deadlineMs } = route.queue;
    this.queue = fairQueue({ name: `The route ${route.name}`, slots, size, deadlineMs, code: 'route_busy' });
  }

  /** @throws MillraceError `route_busy`; of the last target that was asked; or the signal's reason */
  chat(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    return this.queue.execute(listener.account?.tenantId ?? '', () => this.ask(request, listener), listener.signal);
  }

  private async ask(request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    let failure: MillraceError | undefined;
    for (let round = 1; round <= this.route.rounds; round++) {
      const outcome = await this.askEach(request, listener);
      if ('answer' in outcome) return outcome.answer;
      failure = outcome.failure ?? failure;
      if (round < this.route.rounds) await this.pauseBefore(round, failure, listener.signal);
    }
    throw failure ?? this.busy();
  }

  /** Goes through the targets once. The failure is that of the last one; undefined where none could be asked. */
  private async askEach(
    request: ChatRequest,
    listener: ChatListener,
  ): Promise<{ readonly answer: ChatAnswer } | { readonly failure: MillraceError | undefined }> {
    let failure: MillraceError | undefined;
    listener.signal.throwIfAborted();
    const left = [...this.order()];
    for (let call = await this.next(left, request); call !== null; call = await this.next(left, request)) {
      let shown = false;
      const onShown = (): void => void (shown = true);
      try {
        return { answer: await this.make(call, left, request, watched(listener, onShown)) };
      } catch (error) {
        if (shown || !(error instanceof MillraceError) || !ofTheTarget.has(error.code)) throw error;
        failure = error;
        listener.signal.throwIfAborted();
      }
    }
    return { failure };
  }

  /** A call of the next target that takes one. */
  private async next(left: Target[], request: ChatRequest): Promise<Call | null> {
    for (let target = left.shift(); target !== undefined; target = left.shift()) {
      const asked = target;
      const admission = await asked.admit(request);
      if (admission !== null) return (listener) => asked.chat(request, listener).finally(() => admission.release());
    }
    return null;
  }

  private make(call: Call, left: Target[], request: ChatRequest, listener: ChatListener): Promise<ChatAnswer> {
    const { hedge } = this.route;
    return hedge === undefined
      ? call(listener)
      : hedgedCall(call, () => this.next(left, request), hedge.afterMs, listener);
  }

  private order(): readonly Target[] {
    const states = this.targets.map((target): TargetState => target.state());
    const chosen = orderTargets(this.route.strategy, states, this.random).map((index) => this.targets[index] as Target);
    return [...chosen, ...this.fallback.filter((target) => target.state().isAvailable)];
  }

  private async pauseBefore(round: number, failure: MillraceError | undefined, signal: AbortSignal): Promise<void> {
    const asked = (failure?.retryAfterSeconds ?? 0) * 1_000;
    if (failure !== undefined && (asked > longestPauseMs || !failure.retryable)) throw failure;
    const backoff = firstPauseMs * 2 ** (round - 1) * (0.5 + this.random() / 2);
    await pause(Math.min(longestPauseMs, Math.max(asked, backoff)), undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }

  private busy(): MillraceError {
    const message = `No target of the route ${this.route.name} takes a call now.`;
    return new MillraceError('overloaded', 'route_busy', message, { retryAfterSeconds: 5 });
  }
}

/** Tells as soon as anything of an answer reaches the caller. */
const watched = (listener: ChatListener, onShown: () => void): ChatListener => ({
  ...listener,
  onText: (text, logprobs) => {
    onShown();
    listener.onText(text, logprobs);
  },
  onToolCall: (call) => {
    onShown();
    listener.onToolCall?.(call);
  },
});
