/**
 * The tokens of one run. They are for eyes, short-lived and apart from the run's events. To know that no more come, a
 * reader puts a mark behind them when the run has ended: whatever was written before it has been read when the mark is.
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
}

export interface SequencedToken {
  readonly sequence: number;
  readonly token: LiveToken;
}

/** Tokens after a sequence, as they come, until the mark or the signal. */
export async function* tokensOf(options: TokenFeedOptions): AsyncGenerator<SequencedToken> {
  const { bus, runId, context, afterSequence, signal } = options;
  for await (const { envelope, sequence } of bus.follow(liveTokensSubject(runId), { afterSequence, signal })) {
    if (envelope.tenantId !== context.tenantId) continue;
    if (isEndMark(envelope)) return;
    const token = liveTokenSchema.safeParse(envelope.data);
    if (token.success) yield { sequence, token: token.data };
  }
}

const isEndMark = (envelope: Envelope): boolean => envelope.type === endMark.name;

/** Puts the mark behind the tokens of a run that has ended, once, and gives its sequence. */
export async function markEndOfTokens(options: Pick<TokenFeedOptions, 'bus' | 'runId' | 'context'>): Promise<number> {
  const { bus, runId, context } = options;
  const envelope = envelopeOf(endMark, context, null, { id: `${runId}:tokens-end` });
  const { sequence } = await bus.publish({ subject: liveTokensSubject(runId), envelope });
  return sequence;
}
