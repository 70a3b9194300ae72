/** A trace as text, to be compared with the one that was expected. */
import type { ReceivedSpan } from './trace-receiver.js';

const indentation = '  ';

/**
 * The spans of one trace as a tree, one line each, `<line of the span>`, children below their parent and indented.
 * Siblings stand in the order of their text: which of them began first may differ from run to run. Equal siblings with equal
 * children are counted: `3 x …`. Spans whose parent is missing stand at the left under `orphan:`.
 */
export function traceTree(spans: readonly ReceivedSpan[], lineOf: (span: ReceivedSpan) => string): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
  const draw = (span: ReceivedSpan): string[] => {
    const below = drawAll(children.get(span.spanId) ?? []);
    return [lineOf(span), ...below.map((line) => indentation + line)];
  };
  const drawAll = (siblings: readonly ReceivedSpan[]): string[] => counted(siblings.map(draw));
  const roots = drawAll(spans.filter(({ parentSpanId }) => parentSpanId === undefined));
  const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !known.has(parentSpanId));
  return [...roots, ...orphans.flatMap((span) => draw(span).map((line) => `orphan: ${line}`))].join('\n');
}

function counted(subtrees: readonly string[][]): string[] {
  const times = new Map<string, number>();
  for (const subtree of subtrees) times.set(subtree.join('\n'), (times.get(subtree.join('\n')) ?? 0) + 1);
  return [...times]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([text, count]) => (count === 1 ? text : `${count} x ${text}`).split('\n'));
}
