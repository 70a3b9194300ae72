import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { httpAttributes, messagingAttributes, millraceAttributes } from '@millrace/telemetry';
import { eventually, traceTree, type ReceivedSpan, type TraceReceiver } from '@millrace/testing';

const correlationOf = (span: ReceivedSpan): unknown => span.attributes[millraceAttributes.correlationId];

/**
 * The whole trace of a request. It is whole when what ends last is there, no span waits for its parent, and it is
 * drawn as expected, or nothing that is missing came for a long while: each process exports its spans when it
 * likes, so that those of a side branch may come long after the end of the job.
 */
export function completeTrace(
  receiver: TraceReceiver,
  correlationId: string,
  isLast: (span: ReceivedSpan) => boolean,
  expected: URL,
): Promise<readonly ReceivedSpan[]> {
  const patience = performance.now() + 15_000;
  return eventually(
    () => {
      const first = receiver.spans.find((span) => span.kind === 'SERVER' && correlationOf(span) === correlationId);
      if (first === undefined) throw new Error('The trace has not begun.');
      const trace = receiver.spans.filter(({ traceId }) => traceId === first.traceId);
      const ids = new Set(trace.map(({ spanId }) => spanId));
      const orphans = trace.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId));
      if (orphans.length > 0)
        throw new Error(`Spans without their parent: ${orphans.map(({ name }) => name).join(', ')}`);
      const isWhole = drawTrace(trace) === readFileSync(expected, 'utf8') || performance.now() > patience;
      return isWhole && trace.some(isLast) && trace;
    },
    { timeoutMs: 30_000, describe: 'the trace is complete' },
  );
}

/** `gateway  SERVER  POST /v1/runs  201`: who, how, what, and where it says something, for which step. */
function lineOf(span: ReceivedSpan): string {
  const service = span.service.replace('millrace-', '').padEnd(12);
  const node = span.attributes[messagingAttributes.operationName] === 'process' ? nodeOf(span) : '';
  const status = span.attributes[httpAttributes.statusCode];
  const outcome = `${typeof status === 'number' ? ` -> ${status}` : ''}${span.failed ? ' FAILED' : ''}`;
  return `${service} ${span.kind.padEnd(8)} ${span.name}${node}${outcome}`;
}

/** Parts of maps and loops by what they are parts of: which of them came last is nobody's promise. */
function nodeOf({ attributes }: ReceivedSpan): string {
  const node = attributes[millraceAttributes.node];
  return typeof node === 'string' ? ` (${node.replaceAll(/\[\d+\]/g, '[]')})` : '';
}

export const drawTrace = (trace: readonly ReceivedSpan[]): string => `${traceTree(trace, lineOf)}\n`;

/** Compares with a file beside the test; `UPDATE_TRACES=1` writes it. */
export function expectTree(tree: string, file: URL): void {
  if (process.env['UPDATE_TRACES'] === '1') writeFileSync(file, tree);
  expect(tree).toBe(readFileSync(file, 'utf8'));
}
