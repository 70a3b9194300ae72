import { MillraceError } from '@millrace/kernel';
import type { TokenUsage } from '../providers/chat-model.js';

/** How far an attempt at a provider has come, for whoever has to say what it cost. */
export class AttemptProgress {
  /** The request is on its way. */
  wasSent = false;
  /** All that came of the answer: text, thoughts, arguments of tools. */
  written = '';
  /** As the provider reported it. */
  usage: TokenUsage | null = null;
  private begun = false;

  /** Anything of an answer came. */
  begin(text = ''): void {
    this.begun = true;
    this.written += text;
  }

  get hasBegun(): boolean {
    return this.begun || this.usage !== null;
  }
}

/** Said by the provider before it began, or by ourselves before anything was sent: nobody bills for these. */
const billsNothing: ReadonlySet<string> = new Set([
  'provider_rate_limited',
  'provider_quota_exhausted',
  'provider_authentication_failed',
  'provider_rejected_request',
  'provider_refused_content',
  'provider_redirect_refused',
  'provider_overloaded',
  'provider_unavailable',
  'invalid_messages',
  'logprobs_not_offered',
]);

/** Whether an attempt that was sent and answered with nothing may be billed all the same. */
export const mayHaveBilled = (error: unknown): boolean =>
  !(error instanceof MillraceError) || isUncertain(error) || !billsNothing.has(error.code);

const uncertain = new WeakSet<MillraceError>();

/** Marks an error after which nobody knows what the provider has done. */
export function leavesUncertain(error: MillraceError): MillraceError {
  uncertain.add(error);
  return error;
}

const isUncertain = (error: MillraceError): boolean => uncertain.has(error);
