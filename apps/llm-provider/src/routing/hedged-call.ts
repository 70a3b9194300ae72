/**
 * One call made at two targets, the second one when the first has shown nothing for a while.
 *
 * 1. Whichever shows anything first, or answers first, is the answer; the other is ended at once, down to its socket.
 * 2. Nothing of the other is ever shown.
 * 3. Both are paid for: each attempt settles by itself, and what the one that was ended may have cost is in the ledger.
 */
import { MillraceError } from '@millrace/kernel';
import type { ChatAnswer, ChatListener } from '../providers/chat-model.js';

type Call = (listener: ChatListener) => Promise<ChatAnswer>;

/** @param next the second call; null where there is no target left to make it */
export async function hedgedCall(
  first: Call,
  next: () => Promise<Call | null>,
  afterMs: number,
  listener: ChatListener,
): Promise<ChatAnswer> {
  const race = new Race(listener);
  const leading = race.enter(first);
  const timer = new Timer(afterMs);
  try {
    const early = await Promise.race([leading.ended, race.someoneShown, timer.rings]);
    if (early !== 'rings' || listener.signal.aborted) return await leading.answer;
    const second = await next();
    // Meanwhile the first one may have begun.
    if (second === null || leading.isOver || race.winner !== null) return await leading.answer;
    const other = race.enter(second);
    const bothEnded = Promise.all([leading.ended, other.ended]);
    await Promise.race([race.someoneShown, leading.succeeded, other.succeeded, bothEnded]);
    const answering = other.hasAnswer && !leading.hasAnswer ? other : leading;
    return await race.settleFor(race.winner ?? answering).answer;
  } finally {
    timer.stop();
  }
}

class Timer {
  private handle: NodeJS.Timeout | undefined;
  readonly rings: Promise<'rings'>;

  constructor(ms: number) {
    this.rings = new Promise((resolve) => (this.handle = setTimeout(() => resolve('rings'), ms)));
  }

  stop(): void {
    clearTimeout(this.handle);
  }
}

interface Runner {
  readonly answer: Promise<ChatAnswer>;
  /** Fulfilled either way. */
  readonly ended: Promise<unknown>;
  /** Fulfilled with an answer only. */
  readonly succeeded: Promise<unknown>;
  readonly own: AbortController;
  hasAnswer: boolean;
  isOver: boolean;
}

class Race {
  private readonly runners: Runner[] = [];
  private first: number | null = null;
  private tellShown: () => void = () => undefined;
  readonly someoneShown = new Promise<'shown'>((resolve) => (this.tellShown = () => resolve('shown')));

  constructor(private readonly listener: ChatListener) {}

  /** Who has shown something. */
  get winner(): Runner | null {
    return this.first === null ? null : (this.runners[this.first] ?? null);
  }

  enter(call: Call): Runner {
    const own = new AbortController();
    const index = this.runners.length;
    const answer = call({
      ...this.listener,
      signal: AbortSignal.any([this.listener.signal, own.signal]),
      onText: (...piece) => void (this.mayShow(index) && this.listener.onText(...piece)),
      onToolCall: (toolCall) => void (this.mayShow(index) && this.listener.onToolCall?.(toolCall)),
    });
    const runner = runnerOf(answer, own);
    this.runners.push(runner);
    return runner;
  }

  /** Ends all but one. */
  settleFor(winner: Runner): Runner {
    for (const { own } of this.runners.filter((runner) => runner !== winner)) own.abort(tooSlow());
    return winner;
  }

  private mayShow(index: number): boolean {
    if (this.first === null) {
      this.first = index;
      this.runners.forEach(({ own }, other) => void (other !== index && own.abort(tooSlow())));
      this.tellShown();
    }
    return this.first === index;
  }
}

function runnerOf(answer: Promise<ChatAnswer>, own: AbortController): Runner {
  let tell: () => void = () => undefined;
  const succeeded = new Promise<void>((resolve) => (tell = resolve));
  const ended = answer.then(
    () => {
      Object.assign(runner, { hasAnswer: true, isOver: true });
      tell();
    },
    () => void (runner.isOver = true),
  );
  const runner: Runner = { answer, ended, succeeded, own, hasAnswer: false, isOver: false };
  return runner;
}

const tooSlow = (): MillraceError => new MillraceError('cancelled', 'hedge_lost', 'Another target was quicker.');
