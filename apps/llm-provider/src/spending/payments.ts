/**
 * Pays for attempts at providers, one by one.
 *
 * 1. Before an attempt the most that it can cost is held. Without room for it nothing is sent.
 * 2. An answer's cost goes to its account, and replaces the hold in the statement that writes the answer down.
 * 3. An attempt that failed is settled at once. What the provider surely bills nothing for (it refused, or was never reached) is
 *    released; an answer that broke off costs what was written of it, or what the provider reported; and where nobody knows what was
 *    done (silence, a lost connection, a caller who left), all that was held stays counted.
 */
import { MillraceError, newId } from '@millrace/kernel';
import { CONFIG, LOGGER } from '@millrace/service';
import type { Logger } from '@millrace/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { PriceBook } from '../ledger/price-book.js';
import { priced, type Rates } from '../ledger/price.js';
import type { TokenUsage } from '../providers/chat-model.js';
import { countTokens } from '../providers/token-count.js';
import { Budgets, type Hold } from './budgets.js';
import type { CallAccount } from './call-account.js';
import { AttemptProgress, mayHaveBilled } from './attempt-progress.js';
import { nanoAbove, nanoOf } from './money.js';

export interface Attempt {
  readonly model: string;
  /** The most that it can cost, in US dollars. */
  readonly most: (rates: Rates) => number;
  /** What is sent, as text whose tokens can be counted. */
  readonly prompt: () => string;
}

/** Beyond the time of an attempt, for writing it down. */
const marginMs = 30_000;

@Injectable()
export class Payments {
  private readonly longestMs: number;

  constructor(
    @Inject(Budgets) private readonly budgets: Budgets,
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(PriceBook) private readonly prices: PriceBook,
    @Inject(CONFIG) config: LlmProviderConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.longestMs = config.limits.timeouts.totalMs + marginMs;
  }

  /** @throws MillraceError `budget_exceeded`; what the attempt throws */
  async pay<Result extends { readonly usage: TokenUsage }>(
    account: CallAccount,
    attempt: Attempt,
    make: (progress: AttemptProgress) => Promise<Result>,
  ): Promise<Result> {
    const rates = await this.prices.at(account.tenantId, attempt.model);
    const mostNano = nanoAbove(attempt.most(rates));
    const hold =
      mostNano === 0 ? null : await this.budgets.hold(account, mostNano, this.longestMs, aboutOf(account, attempt));
    const progress = new AttemptProgress();
    try {
      const result = await make(progress);
      const costNano = nanoOf(priced(result.usage, rates).costUsd);
      account.add({ model: attempt.model, usage: result.usage, costNano, hold });
      return result;
    } catch (error) {
      await this.settleFailure(account, { attempt, rates, mostNano, hold, progress, error });
      throw error;
    }
  }

  private async settleFailure(account: CallAccount, failure: Failure): Promise<void> {
    const { attempt, hold, error } = failure;
    try {
      const cost = await costOf(failure);
      if (cost === null && hold === null) return;
      const charge = { model: attempt.model, hold, ...(cost ?? { usage: nothing, costNano: 0 }) };
      if (cost !== null) account.failed = charge;
      const code = error instanceof MillraceError ? error.code : 'internal';
      const text = failure.progress.written;
      await this.ledger.recordFailure(account, charge, {
        id: hold?.id ?? newId('attempt'),
        code,
        text,
        outcome: cost?.outcome,
      });
    } catch (unsettled) {
      this.logger.warn({ err: unsettled }, 'could not settle what an attempt cost; its hold counts as spent later');
    }
  }
}

const aboutOf = ({ callId, runId, node }: CallAccount, { model }: Attempt) => ({ callId, runId, node, model });

interface Failure {
  readonly attempt: Attempt;
  readonly rates: Rates;
  readonly mostNano: number;
  readonly hold: Hold | null;
  readonly progress: AttemptProgress;
  readonly error: unknown;
}

const nothing: TokenUsage = { promptTokens: 0, completionTokens: 0 };

/** Null where the provider bills nothing. */
async function costOf({ attempt, rates, mostNano, progress, error }: Failure): Promise<{
  readonly usage: TokenUsage;
  readonly costNano: number;
  readonly outcome: 'failed' | 'lost';
} | null> {
  if (progress.hasBegun) {
    const usage = progress.usage ?? (await counted(attempt.prompt(), progress.written));
    return { usage, costNano: nanoOf(priced(usage, rates).costUsd), outcome: 'failed' };
  }
  if (!progress.wasSent || !mayHaveBilled(error)) return null;
  return mostNano === 0 ? null : { usage: nothing, costNano: mostNano, outcome: 'lost' };
}

async function counted(prompt: string, written: string): Promise<TokenUsage> {
  const [promptTokens = 0, completionTokens = 0] = await Promise.all([prompt, written].map(countTokens));
  return { promptTokens, completionTokens };
}
