import type { TokenUsage } from '../providers/chat-model.js';
import type { Payer } from './account-book.statement.js';
import type { Hold } from './budgets.js';

/** What an attempt cost, and what was held for it; null where no budget bounds it. */
export interface Charge {
  readonly model: string;
  readonly usage: TokenUsage;
  readonly costNano: number;
  readonly hold: Hold | null;
}

/** What a task or a call is known by in the ledger. */
export interface CallIdentity {
  /** The id of the task or of the call. */
  readonly callId: string;
  /** Empty outside of runs. */
  readonly runId: string;
  readonly node: string;
}

/** Who pays for a task or a call, and what its answers have cost that the ledger does not hold yet. */
export class CallAccount implements Payer, CallIdentity {
  readonly tenantId: string;
  readonly keyId: string | null;
  readonly callId: string;
  readonly runId: string;
  readonly node: string;
  private unwritten: Charge[] = [];
  /** The newest attempt that failed after it had cost something: it is in the ledger. */
  failed: Charge | null = null;

  constructor({ tenantId, keyId, callId, runId = '', node = '' }: Payer & Partial<CallIdentity> & { callId: string }) {
    this.tenantId = tenantId;
    this.keyId = keyId;
    this.callId = callId;
    this.runId = runId;
    this.node = node;
  }

  /** An answer came. Whoever makes something of it writes it down together with that. */
  add(charge: Charge): void {
    this.unwritten.push(charge);
  }

  get charges(): readonly Charge[] {
    return this.unwritten;
  }

  /** Billionths of a dollar. */
  get costNano(): number {
    return this.unwritten.reduce((sum, { costNano }) => sum + costNano, 0);
  }

  /** What is to be written, which the account then knows nothing of any more. */
  take(): readonly Charge[] {
    const taken = this.unwritten;
    this.unwritten = [];
    return taken;
  }
}
