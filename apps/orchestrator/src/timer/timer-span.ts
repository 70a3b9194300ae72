import { inArrivedSpan, millraceAttributes, outsideTraces } from '@millrace/telemetry';
import type { RunTimer } from './timer.store.js';

/**
 * Fires a timer in the trace of what set it, or, after a long wait, in one of its own that is linked to that. A timer of
 * which no trace was recorded has none.
 */
export function inTimerSpan({ key, timer, cause }: RunTimer, now: Date, fire: () => Promise<void>): Promise<void> {
  if (cause === null) return outsideTraces(fire);
  const arrival = { headers: { traceparent: cause.traceparent }, waitedMs: now.getTime() - cause.at.getTime() };
  const describe = () => ({
    name: `fire ${timer.timer}`,
    kind: 'internal' as const,
    attributes: {
      [millraceAttributes.tenantId]: key.tenantId,
      [millraceAttributes.runId]: key.runId,
      [millraceAttributes.node]: timer.node,
      [millraceAttributes.attempt]: timer.attempt,
    },
  });
  return inArrivedSpan(arrival, describe, fire);
}
