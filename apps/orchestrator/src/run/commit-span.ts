/** The span of one message's way through the writer: its wait for a batch, its decision, and the batch's commit. */
import {
  linkReasons,
  linkTo,
  millraceAttributes,
  spanContextOf,
  traceparentOf,
  type Span,
  type SpanDescription,
} from '@millrace/telemetry';
import type { RunKey } from './hot-run.js';
import type { RunWork } from './run-input.js';
import type { FoundRun } from './turn.js';

export function describeCommit({ tenantId, runId }: RunKey, work: RunWork): SpanDescription {
  const node = work.type === 'task-result' ? { node: work.node, attempt: work.attempt } : nodeOfTimer(work);
  return {
    name: `commit ${work.type}`,
    kind: 'internal',
    attributes: {
      [millraceAttributes.tenantId]: tenantId,
      [millraceAttributes.runId]: runId,
      ...(node !== undefined && { [millraceAttributes.node]: node.node, [millraceAttributes.attempt]: node.attempt }),
    },
  };
}

const nodeOfTimer = (work: RunWork): { node: string; attempt: number } | undefined =>
  work.type === 'timer' ? work.timer : undefined;

/**
 * Notes what the span shares its batch with, and links it to the run where that began in another trace: what an approval, a
 * cancellation or a late timer starts is found from the run, and the run from it.
 */
export function noteBatch(span: Span, batchSize: number, run: FoundRun): void {
  span.setAttribute(millraceAttributes.batchSize, batchSize);
  const origin = typeof run === 'string' ? undefined : spanContextOf(run.origin.traceparent);
  if (origin !== undefined && origin.traceId !== span.spanContext().traceId)
    span.addLink(linkTo(origin, linkReasons.run));
}

export const traceparentOfSpan = (span: Span | undefined): string | null => traceparentOf(span?.spanContext()) ?? null;
