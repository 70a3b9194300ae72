/** The graphs that Millrace is measured with, beside the shipped diamond. */
const graph = (name: string, description: string, nodes: readonly object[]) => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name, description },
  nodes,
});

const width = 20;
const step = (id: string, needs: readonly string[], milliseconds: number) => ({
  id,
  kind: 'tool',
  needs,
  with: { tool: 'delay', arguments: { milliseconds } },
});
const middle = Array.from({ length: width }, (_, index) => `step-${index}`);

export const fanout = graph('bench-fanout', 'One step, then twenty at once of 50 ms each, then one.', [
  step('first', [], 0),
  ...middle.map((id) => step(id, ['first'], 50)),
  step('last', middle, 0),
]);

const loopRounds = 1_000;

/** Each round sees the whole context and keeps a number. */
export const loop = graph('bench-loop', 'A thousand rounds over a context that does not change.', [
  {
    id: 'rounds',
    kind: 'loop',
    maxRounds: loopRounds,
    nodes: [step('look', [], 0)],
    output: '${{ input.context.startsWith("x") ? round : -1 }}',
  },
]);

export const waiting = graph('bench-waiting', 'A run that waits for a signal.', [
  { id: 'pause', kind: 'wait', signal: { name: 'go' }, timeout: { total: '24h' } },
]);
