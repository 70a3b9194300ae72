/** Small graphs for the specs. */
import type { JsonObject } from '@millrace/kernel';
import { compileGraph, digestOf } from '@millrace/workflow';
import type { ResolvedGraph } from './hot-run.js';

const document = (name: string, nodes: JsonObject[], rest: JsonObject = {}): JsonObject => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name },
  nodes,
  ...rest,
});

const echo = (id: string, needs: string[], rest: JsonObject = {}): JsonObject => ({
  id,
  kind: 'tool',
  needs,
  with: { tool: 'echo', arguments: {} },
  ...rest,
});

/** a -> b, c, d -> e -> f. */
export const diamond = document('test-diamond', [
  echo('a', []),
  echo('b', ['a']),
  echo('c', ['a']),
  echo('d', ['a']),
  echo('e', ['b', 'c', 'd']),
  echo('f', ['e']),
]);

/** One step, with one retry and a time limit. */
export const single = document(
  'test-single',
  [
    echo('only', [], {
      retry: { maxAttempts: 2, backoff: { initial: '50ms', max: '50ms' } },
      timeout: { total: '60s' },
    }),
  ],
  { output: '${{ nodes.only.output }}' },
);

/** One step whose worker may show no progress for 200 ms. */
export const restless = document('test-restless', [
  echo('only', [], {
    retry: { maxAttempts: 2, backoff: { initial: '1ms', max: '1ms' } },
    timeout: { idle: '200ms' },
  }),
]);

/** One step that must not be done twice. */
export const posting = document(
  'test-posting',
  [{ id: 'post', kind: 'tool', with: { tool: 'unsure' }, timeout: { total: '1m' }, effect: {} }],
  { output: '${{ nodes.post.output }}' },
);

const booked = (id: string, needs: string[]): JsonObject =>
  echo(id, needs, {
    timeout: { total: '1m' },
    effect: {
      idempotencyKey: `\${{ "${id}-" + run.id }}`,
      compensate: { tool: 'echo', arguments: { of: '${{ output.result }}' } },
    },
  });

/** Two effects that are taken back when the third step fails. */
export const booking = document('test-booking', [
  booked('flight', []),
  booked('hotel', ['flight']),
  { id: 'pay', kind: 'tool', needs: ['hotel'], with: { tool: 'refuse' } },
]);

/** 500 steps at once. */
export const wide = document('test-wide', [
  {
    ...{ id: 'all', kind: 'map', over: Array.from({ length: 500 }, (_, index) => index), maxParallel: 500 },
    nodes: [echo('one', [])],
  },
]);

/** One step, of which two run at a time. */
export const sharing = document('test-sharing', [
  echo('only', [], { retry: { maxAttempts: 1 }, concurrency: [{ key: 'shop', limit: 2 }] }),
]);

/** One step, of whose runs two run at a time. */
export const narrow = document('test-narrow', [echo('only', [], { retry: { maxAttempts: 1 } })], {
  concurrency: [{ key: 'narrow', limit: 2 }],
});

/** One step in the sequential lane of its tool. */
export const sequential = document('test-sequential', [echo('only', [], { lane: 'sequential' })]);

/** One step whose output may be taken from before. */
export const thrifty = document(
  'test-thrifty',
  [echo('only', [], { cache: { key: 'of-${{ input.of }}', ttl: '1h' } })],
  { output: '${{ nodes.only.output }}', input: { type: 'object', properties: { of: { type: 'string' } } } },
);

/** One step that must end within half a second. */
export const impatient = document('test-impatient', [echo('only', [], { timeout: { total: '500ms' } })]);

/** However its first step ends, the second one's deadline lies beyond the years that Postgres can read. */
export const unstorable = document('test-unstorable', [
  echo('first', [], { timeout: { total: '300ms' }, onError: 'continue' }),
  echo('second', ['first'], { timeout: { total: '999999999h' } }),
]);

/** Waits for a moment, and gives it. */
export const sleepy = document('test-sleepy', [{ id: 'nap', kind: 'wait', for: '400ms' }], {
  output: '${{ nodes.nap.output.until }}',
});

/** Waits for longer than a trace lasts. */
export const drowsy = document('test-drowsy', [{ id: 'nap', kind: 'wait', for: '6m' }]);

/** One step that is tried again at once. */
export const flaky = document('test-flaky', [
  echo('only', [], { retry: { maxAttempts: 2, backoff: { initial: '50ms', max: '50ms' } } }),
]);

const goSignal = { kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } };

/** Waits for two signals of one name, and gives their data. */
export const patient = document(
  'test-patient',
  [
    { id: 'x', ...goSignal },
    { id: 'y', needs: ['x'], ...goSignal },
  ],
  {
    output: [
      '${{ has(nodes.x.output) ? nodes.x.output.data : null }}',
      '${{ has(nodes.y.output) ? nodes.y.output.data : null }}',
    ],
  },
);

/** Waits for an event of the tenant that speaks of the run's order, and gives its data. */
export const expectant = document(
  'test-expectant',
  [
    {
      id: 'paid',
      kind: 'wait',
      event: { subject: 'custom.order.paid.v1', filter: '${{ event.data.order == input.order }}' },
      timeout: { total: '1h' },
    },
  ],
  { output: '${{ nodes.paid.output.data }}' },
);

/** Waits for a signal, but not for long. */
export const hasty = document('test-hasty', [{ ...goSignal, id: 'x', timeout: { total: '200ms' } }]);

/** One step, an approval of it, another step. */
export const asking = (rest: JsonObject = {}): JsonObject =>
  document('test-asking', [
    echo('before', []),
    {
      id: 'ok',
      kind: 'approval',
      needs: ['before'],
      title: 'Go on?',
      with: { before: '${{ nodes.before.status }}' },
      assignees: ['role:editor'],
      form: {
        type: 'object',
        required: ['grade'],
        properties: { grade: { type: 'integer' }, note: { type: 'string', default: 'none' } },
      },
      deadline: '1h',
      onTimeout: 'fail',
      ...rest,
    },
    echo('after', ['ok']),
  ]);

/** Needs no worker: it ends with its start. */
export const instant = document('test-instant', [{ id: 'here', kind: 'transform', output: 'done' }], {
  output: '${{ nodes.here.output }}',
});

/** Takes `{topic}` and nothing else. */
export const choosy = document('test-choosy', [echo('only', [])], {
  input: {
    type: 'object',
    properties: { topic: { type: 'string', minLength: 1 } },
    required: ['topic'],
    additionalProperties: false,
  },
});

export const resolved = (graph: JsonObject): ResolvedGraph => ({
  identity: { name: (graph['metadata'] as { name: string }).name, version: 1, digest: digestOf(graph) },
  compiled: compileGraph(graph),
});

/** Counts the runs of its thread, one step each; the input says what else it writes there. */
export const talking = document(
  'test-talking',
  [echo('say', [], { retry: { maxAttempts: 1 }, with: { tool: 'echo', arguments: { seen: '${{ thread.state }}' } } })],
  {
    thread: { state: { turns: '${{ thread.state.?turns.orValue(0) + 1 }}', last: '${{ run.id }}', note: null } },
    output: '${{ thread.state.?turns.orValue(0) }}',
  },
);
