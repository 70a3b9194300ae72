import type { ErrorShape } from '@millrace/kernel';
import type { RetryPolicy } from '../compile/compiled-graph.js';
import { limits } from '../limits.js';
import type { RunningNode } from './state.js';

/**
 * When the next attempt is due, or null when there is none: permanent errors, errors that the policy does not name, the last
 * attempt, and attempts beyond the node's deadline. The wait has full jitter: `random` (0 to 1) of the backoff.
 */
export function retryDueAt(
  policy: RetryPolicy,
  node: RunningNode,
  error: ErrorShape,
  now: string,
  random: number,
): string | null {
  const attempt = node.attempt - node.earlierAttempts;
  if (!error.retryable || attempt >= policy.maxAttempts) return null;
  if (policy.on !== null && !policy.on.has(error.code) && !policy.on.has(error.kind)) return null;
  const backoffMs = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (attempt - 1));
  const askedMs = Math.min((error.retryAfterSeconds ?? 0) * 1000, limits.retryDelayMs);
  const dueAt = new Date(Date.parse(now) + Math.round(Math.max(backoffMs * random, askedMs))).toISOString();
  return node.deadlineAt !== undefined && dueAt >= node.deadlineAt ? null : dueAt;
}
