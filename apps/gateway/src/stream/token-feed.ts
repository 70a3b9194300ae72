/**
 * The tokens of one run. They are for eyes, short-lived and apart from the run's events. To know that no more come, a
 * reader puts a mark behind them when the run has ended: whatever was written before it has been read when the mark is. A
 * run that was retried ends again, so a mark says behind which event it stands.
 */
import {
  type Envelope,
  envelopeOf,
  type LiveToken,
  liveTokenSchema,
  liveTokensSubject,
  type MessageContext,
} from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';

const endMark = { name: 'live.tokens-end', version: 1 };

export interface TokenFeedOptions {
  readonly bus: MessageBus;
  readonly runId: string;
  readonly context: MessageContext;
  readonly afterSequence: number;
  readonly signal: AbortSignal;
  /** Of the end that the reader waits for, and of the marks that it has passed. */
  readonly end: TokensEnd;
}

export interface SequencedToken {
  readonly sequence: number;
  readonly token: LiveToken;
}

/** Where the tokens end for a reader: it reads past the marks of ends that the run has gone on from. */
export class TokensEnd {
  private passed = 0;
  private awaited: number | null = null;

  /** Passes a mark. @returns whether it is the one that is waited for */
  pass(position: number): boolean {
    this.passed = Math.max(this.passed, position);
    return this.isReached();
  }

  /** Waits for the mark behind the event of a position from here on. @returns whether it has been passed */
  await(position: number): boolean {
    this.awaited = position;
    return this.isReached();
  }

  private isReached(): boolean {
    return this.awaited !== null && this.passed >= this.awaited;
  }
}

/** Tokens after a sequence, as they come, until the mark or the signal. */
export async function* tokensOf(options: TokenFeedOptions): AsyncGenerator<SequencedToken> {
  const { bus, runId, context, afterSequence, signal, end } = options;
  for await (const { envelope, sequence } of bus.follow(liveTokensSubject(runId), { afterSequence, signal })) {
    if (envelope.tenantId !== context.tenantId) continue;
    if (isEndMark(envelope)) {
      if (end.pass(positionOf(envelope))) return;
      continue;
    }
    const token = liveTokenSchema.safeParse(envelope.data);
    if (token.success) yield { sequence, token: token.data };
  }
}

const isEndMark = (envelope: Envelope): boolean => envelope.type === endMark.name;

function positionOf({ data }: Envelope): number {
  const position = (data as { readonly position?: unknown } | null)?.position;
  return typeof position === 'number' ? position : 0;
}

/** Puts the mark behind the tokens of a run that has ended with an event, once, and gives its sequence. */
export async function markEndOfTokens(
  options: Pick<TokenFeedOptions, 'bus' | 'runId' | 'context'> & { readonly position: number },
): Promise<number> {
  const { bus, runId, context, position } = options;
  const envelope = envelopeOf(endMark, context, { position }, { id: `${runId}:tokens-end:${position}` });
  const { sequence } = await bus.publish({ subject: liveTokensSubject(runId), envelope });
  return sequence;
}
