/** Evidence of trials in which nothing broke, in all variety, to be broken by hand. */
import fc from 'fast-check';
import type { Evidence, ObservedEvent, ObservedRun, StartAttempt, StartRecord } from './evidence.js';

interface NodeShape {
  readonly retries: number;
  readonly hasEffect: boolean;
}
interface RunShape {
  readonly nodes: readonly NodeShape[];
  readonly end: 'completed' | 'failed' | 'cancelled';
  readonly key: boolean;
  readonly refusals: number;
  readonly repeats: number;
  readonly streamed: boolean;
}

const anyNode = fc.record({ retries: fc.integer({ min: 0, max: 3 }), hasEffect: fc.boolean() });
const anyRun: fc.Arbitrary<RunShape> = fc.record({
  nodes: fc.array(anyNode, { minLength: 1, maxLength: 4 }),
  end: fc.constantFrom('completed', 'failed', 'cancelled'),
  key: fc.boolean(),
  refusals: fc.integer({ min: 0, max: 2 }),
  repeats: fc.integer({ min: 0, max: 2 }),
  streamed: fc.boolean(),
});

const began = Date.parse('2030-01-01T00:00:00.000Z');
const terminalTypes = { completed: 'RunCompleted', failed: 'RunFailed', cancelled: 'RunCancelled' } as const;

export const forgedMarker = 'forged-1';
export const idOf = (index: number): string => `run_${index.toString(16).padStart(32, '0')}`;
const receiptOf = (run: string, node: number): string => `receipt ${run} ${node}`;

function eventsOf(run: string, { nodes, end }: RunShape): ObservedEvent[] {
  const events: ObservedEvent[] = [];
  const add = (type: string, data: unknown): void => {
    const position = events.length + 1;
    events.push({ position, type, at: new Date(began + position * 1_000).toISOString(), data });
  };
  add('RunStarted', { runId: run });
  nodes.forEach(({ retries, hasEffect }, index) => {
    const node = `node-${index}`;
    for (let attempt = 1; attempt <= retries + 1; attempt += 1) {
      add('NodeScheduled', { node, kind: 'tool', attempt });
      if (attempt <= retries) add('NodeRetryScheduled', { node, attempt, error: {} });
    }
    const output = hasEffect ? { result: { receipt: receiptOf(run, index) } } : { result: {} };
    add('NodeCompleted', { node, attempt: retries + 1, output });
  });
  add(terminalTypes[end], {});
  return events;
}

function startOf(run: string, index: number, { key, refusals, repeats }: RunShape): StartRecord {
  const refused: StartAttempt = { status: 503, code: 'overloaded', runId: null, retryAfter: '1', body: 0 };
  const accepted: StartAttempt = { status: 202, code: null, runId: run, retryAfter: null, body: 0 };
  const other: StartAttempt = { status: 422, code: 'idempotency_key_reused', runId: null, retryAfter: null, body: 1 };
  const attempts = [
    ...Array<StartAttempt>(key ? refusals : 0).fill(refused),
    accepted,
    ...Array<StartAttempt>(key ? repeats : 0).fill(accepted),
    ...(key ? [other] : []),
  ];
  return { graph: 'diamond', idempotencyKey: key ? `key-${index}` : null, attempts };
}

function evidenceOf(shapes: readonly RunShape[], transportWiped: boolean): Evidence {
  const runs = shapes.map((shape, index): ObservedRun => {
    const id = idOf(index);
    return { id, status: shape.end, events: eventsOf(id, shape) };
  });
  const effects = shapes.flatMap(({ nodes }, index) =>
    nodes.flatMap(({ hasEffect }, node) =>
      hasEffect
        ? [{ key: `${index}/${node}`, run: idOf(index), node: `node-${node}`, receipt: receiptOf(idOf(index), node) }]
        : [],
    ),
  );
  return {
    starts: shapes.map((shape, index) => startOf(idOf(index), index, shape)),
    runs,
    streams: runs
      .filter((_, index) => shapes[index]?.streamed)
      .map(({ id, events }) => ({
        runId: id,
        connections: 2,
        positions: events.map(({ position }) => position),
        tokens: ['1-1', '1-2'],
        ended: true,
      })),
    cancels: runs.map(({ id, status }) => ({ runId: id, answered: status === 'cancelled' ? 'cancelled' : null })),
    effects: {
      attempts: effects.flatMap(({ key, run }) => [
        { key, run, outcome: 'committed' as const },
        { key, run, outcome: 'repeated' as const },
      ]),
      commits: effects,
    },
    applications: transportWiped
      ? []
      : runs.flatMap(({ id, status }) =>
          ['run.started', `run.${status}`].map((type) => ({ messageId: `${id}:${type}`, runId: id, type, times: 1 })),
        ),
    providerCalls: runs.map(({ id }) => ({ run: id, node: 'node-0', at: began + 2_100 })),
    completions: runs.map(({ id }) => ({ run: id, node: 'node-0', attempt: 1, at: began + 2_500 })),
    llmOverlaps: [],
    forgedMarker,
    forgedReplies: runs.map(({ id }) => ({ runId: id, applied: false })),
    drains: [{ service: 'toolbox-0', exitCode: 0, tookMs: 900, graceMs: 6_000 }],
    transportWiped,
  };
}

/** Of one to five runs. */
export const soundEvidence: fc.Arbitrary<Evidence> = fc
  .tuple(fc.array(anyRun, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([shapes, wiped]) => evidenceOf(shapes, wiped));
