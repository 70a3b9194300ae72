/** How a node of each kind is made. A kind or a field that the schema of graphs has and that is missing here fails a test. */
import type { Dice } from '@millrace/chaos/dice';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { availableKinds } from '@millrace/workflow';

export type Kind = (typeof availableKinds)[number];

/** How many nodes out of a hundred have what only matters where several have it: most graphs little, some much. */
export interface Habits {
  readonly effects: number;
  readonly sharing: number;
}

/** Where a node stands. */
export interface Place {
  readonly dice: Dice;
  readonly id: string;
  readonly needs: readonly string[];
  /** The nodes beside it that need it. */
  readonly dependents: readonly string[];
  /** What its graph has much of. */
  readonly habits: Habits;
  /** How many containers it stands in. */
  readonly depth: number;
  /** Nodes for a container, one level deeper. */
  readonly inside: () => JsonObject[];
}

/** What every task costs, and says that it costs at most, in US dollars. */
export const taskUsd = 0.25;

/** What nodes of several runs share, and how many may hold each at a time. */
const sharedKeys = ['printer', 'scanner'] as const;
const sharedLimit = 1;

/** The name under which a program of each tenant takes tasks. */
export const customWorkerName = 'own';

export const innerName = 'inner';
/** The graph that subgraphs run. */
export const innerGraph: JsonObject = {
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: innerName },
  input: { type: 'object', properties: { mark: { type: 'string' } } },
  nodes: [
    { id: 'first', kind: 'tool', with: { tool: 'echo' }, retry: { maxAttempts: 2 }, estimate: { usd: taskUsd } },
    { id: 'second', kind: 'transform', needs: ['first'], output: '${{ input }}' },
  ],
  output: '${{ nodes.second.output }}',
};

/** Tools of an agent that are the work of other nodes. The model gives each of them `mark`. */
function declaredTools(dice: Dice): JsonObject[] {
  const asked = () =>
    maybe(dice, 30, () => ({
      requireApproval: dice.pick<JsonValue>([true, { deadline: seconds(dice, 2, 20), assignees: ['role:editor'] }]),
    }));
  const described = (name: string) => ({ name, description: `Does ${name}.`, ...asked() });
  const parameters = { type: 'object', required: ['mark'], properties: { mark: { type: 'string' } } };
  const limits = () =>
    maybe(dice, 30, () => ({ retry: { maxAttempts: dice.within([1, 3]) }, timeout: { total: '1m' } }));
  const mark = '${{ arguments.mark }}';
  const work = (name: string) => ({ ...described(name), parameters, estimate: { usd: taskUsd }, ...limits() });
  const tools: JsonObject[] = [
    { ...work('find'), kind: 'search', with: { collection: 'docs', query: mark } },
    { ...work('send'), kind: 'http', with: { method: 'POST', url: 'https://example.org/{mark}', body: { mark } } },
    { ...work('own'), kind: 'worker', worker: customWorkerName, timeout: { total: '1m' }, with: { mark } },
    { ...described('inner'), kind: 'subgraph', graph: innerName },
  ];
  return dice.percent(50) ? tools.filter(() => dice.percent(60)) : [];
}

export const signalNames = ['go', 'stop'] as const;

const seconds = (dice: Dice, least: number, most: number): string => `${dice.within([least, most])}s`;
const maybe = (dice: Dice, percent: number, fields: () => JsonObject): JsonObject =>
  dice.percent(percent) ? fields() : {};

function workerFields({ dice, id, habits }: Place): JsonObject {
  const fields = {
    ...attemptFields(dice),
    estimate: { usd: taskUsd },
    ...sharingFields(dice, habits),
  };
  if (!dice.percent(habits.effects)) return { ...fields, ...maybe(dice, 20, () => ({ cache: cacheOf(dice, id) })) };
  const undo: JsonObject = { tool: 'undo', arguments: { of: '${{ output }}' } };
  const effect = {
    ...maybe(dice, 50, () => ({ idempotencyKey: `\${{ run.id + '-${id}' }}` })),
    ...maybe(dice, 50, () => ({ compensate: undo })),
  };
  // Nobody may ever hear what became of it, so there is an end to waiting.
  return { ...fields, timeout: { total: seconds(dice, 6, 20) }, effect };
}

const sharingFields = (dice: Dice, { sharing }: Habits): JsonObject => ({
  ...maybe(dice, sharing, () => ({ concurrency: [{ key: dice.pick(sharedKeys), limit: sharedLimit }] })),
  ...maybe(dice, sharing / 2, () => ({ lane: dice.pick(['sequential', 'parallel']) })),
});

/** What two runs of a tenant may have in common. */
const cacheOf = (dice: Dice, id: string): JsonObject => ({
  ttl: seconds(dice, 3, 20),
  ...maybe(dice, 50, () => ({ key: `what ${id} is about` })),
});

function attemptFields(dice: Dice): JsonObject {
  return {
    retry: {
      maxAttempts: dice.within([1, 4]),
      ...maybe(dice, 60, () => ({
        backoff: { initial: seconds(dice, 1, 2), max: seconds(dice, 2, 5), factor: dice.within([1, 3]) },
      })),
      ...maybe(dice, 20, () => ({ on: dice.pick([['unavailable'], ['flaky', 'timeout'], ['other']]) })),
    },
    ...maybe(dice, 30, () => ({ timeout: timeouts(dice) })),
  };
}

/** One or more limits, each within the wider ones. */
function timeouts(dice: Dice): JsonObject {
  const idle = dice.within([1, 3]);
  const attempt = dice.within([idle, 8]);
  const some = {
    ...maybe(dice, 60, () => ({ attempt: `${attempt}s` })),
    ...maybe(dice, 60, () => ({ idle: `${idle}s` })),
  };
  return dice.percent(50) || Object.keys(some).length === 0 ? { ...some, total: seconds(dice, 8, 20) } : some;
}

const readings = ({ needs }: Place): JsonObject =>
  Object.fromEntries(needs.map((need) => [need.replaceAll('-', '_'), `\${{ nodes.${need}.status }}`]));

const article = { title: 'T', description: 'D', markdown: '# T' };

/** Splits the nodes that need this one in two. */
const halves = ({ dependents, dice }: Place): [string[], string[]] => {
  const chosen = dependents.filter(() => dice.percent(50));
  return [chosen, dependents.filter((id) => !chosen.includes(id))];
};

export const nodeKinds: Record<Kind, (place: Place) => JsonObject> = {
  tool: (place) => ({ ...workerFields(place), with: { tool: 'echo', arguments: readings(place) } }),
  search: (place) => ({ ...workerFields(place), with: { collection: 'c', query: `about ${place.id}` } }),
  llm: (place) => ({
    ...workerFields(place),
    with: { messages: [{ role: 'user', content: `Say ${place.id} of \${{ run.id }}.` }] },
  }),
  evaluate: (place) => ({ ...workerFields(place), with: { suite: 'quality', article } }),
  http: (place) => ({ ...workerFields(place), with: { url: 'https://example.org/', method: 'GET' } }),
  browser: (place) => ({ ...workerFields(place), with: { url: 'https://example.org/', collection: 'c' } }),
  database: (place) => ({ ...workerFields(place), with: { source: 'books', sql: 'select 1' } }),
  router: (place): JsonObject => {
    const [chosen, others] = halves(place);
    if (chosen.length === 0) return { kind: 'transform', output: null };
    return {
      ...workerFields(place),
      with: { text: 'What is it?' },
      intents: [{ name: 'ask', examples: ['What is it?'], then: chosen }],
      threshold: place.dice.pick([0.2, 0.9]),
      fallback: others,
    };
  },
  worker: (place) => ({
    ...workerFields(place),
    worker: customWorkerName,
    timeout: { ...timeouts(place.dice), total: seconds(place.dice, 8, 20) },
    with: readings(place),
  }),
  combine: (place): JsonObject => {
    if (place.needs.length === 0) return { kind: 'transform', output: 1 };
    const { dice, needs } = place;
    return {
      mode: dice.pick(['object', 'list', 'object', 'concat', 'merge']),
      ...maybe(dice, 50, () => ({ from: [dice.pick(needs)] })),
    };
  },
  transform: (place) => ({ output: place.dice.percent(6) ? '${{ 1 / 0 }}' : { of: place.id, ...readings(place) } }),
  emit: (place) => ({ event: 'something', with: { from: '${{ run.id }}', ...readings(place) } }),
  branch: (place): JsonObject => {
    const [chosen, others] = halves(place);
    if (chosen.length === 0) return { kind: 'transform', output: null };
    const when: JsonValue = place.dice.pick([true, false, '${{ input.number > 4 }}']);
    return { cases: [{ when, then: chosen }], default: others };
  },
  wait: ({ dice }) =>
    dice.pick<() => JsonObject>([
      () => ({ for: seconds(dice, 1, 10) }),
      () => ({ until: `2026-01-01T00:00:${dice.within([10, 20])}Z` }),
      () => ({
        event: { subject: 'run.*.v1', ...maybe(dice, 50, () => ({ filter: '${{ event.type != "" }}' })) },
        timeout: { total: seconds(dice, 3, 12) },
      }),
      () => ({
        signal: {
          name: dice.pick(signalNames),
          ...maybe(dice, 50, () => ({ filter: '${{ signal.data.number > 3 }}' })),
        },
        timeout: { total: seconds(dice, 3, 15) },
      }),
    ])(),
  approval: (place) => {
    const { dice, dependents } = place;
    const [target] = dependents;
    const onTimeout: JsonValue = dice.pick(['approve', 'reject', 'fail', ...(target ? [{ goto: target }] : [])]);
    return {
      title: `May \${{ run.id }} go on?`,
      with: readings(place),
      assignees: [dice.pick(['role:editor', 'role:admin', 'key:key_of_somebody'])],
      deadline: seconds(dice, 4, 20),
      onTimeout,
      onReject: dice.pick(['fail', 'continue']),
      ...maybe(dice, 40, () => ({ form: { type: 'object', properties: { note: { type: 'string' } } } })),
    };
  },
  agent: ({ dice, id, habits }) => ({
    ...attemptFields(dice),
    ...sharingFields(dice, habits),
    estimate: { usd: taskUsd },
    with: { prompt: `Do ${id} of \${{ run.id }}.` },
    tools: [...dice.pick([[], ['echo'], ['echo', 'delay']]), ...declaredTools(dice)],
    maxRounds: dice.within([1, 4]),
    ...maybe(dice, 40, () => ({ maxToolCalls: dice.within([0, 4]) })),
    ...maybe(dice, 40, () => ({ maxParallel: dice.within([1, 2]) })),
    ...maybe(dice, 70, () => ({ onExhausted: dice.pick(['best', 'fail']) })),
    ...maybe(dice, 20, () => ({ budget: { usd: taskUsd * dice.within([1, 3]) } })),
    ...maybe(dice, 30, () => ({ output: { type: 'object', properties: { mark: { type: 'string' } } } })),
  }),
  subgraph: (place) => ({
    graph: innerName,
    with: readings(place),
    ...maybe(place.dice, 50, () => ({ timeout: { total: seconds(place.dice, 4, 20) } })),
  }),
  map: ({ dice, id, depth, inside }) => ({
    over: dice.pick<JsonValue>([[1, 2, 3], [], ['a'], '${{ input.list }}']),
    maxParallel: dice.within([1, 3]),
    ...maybe(dice, 40, () => ({ tolerate: { failures: dice.pick<JsonValue>([1, '50%']) } })),
    // Inside of another map the name that is meant by default may be taken.
    ...maybe(dice, depth > 0 ? 100 : 70, () => ({ as: `item_${id}` })),
    nodes: inside(),
    ...maybe(dice, 70, () => ({ output: '${{ index }}' })),
  }),
  loop: ({ dice, dependents: [target], inside }) => ({
    maxRounds: dice.within([1, 3]),
    ...maybe(dice, 70, () => ({
      until: dice.pick<JsonValue>(['${{ round == 1 }}', false]),
      ...maybe(dice, 60, () => ({
        onExhausted: dice.pick<JsonValue>(['fail', 'continue', ...(target ? [{ goto: target }] : [])]),
      })),
    })),
    nodes: inside(),
    ...maybe(dice, 70, () => ({ output: '${{ round }}' })),
    ...maybe(dice, 50, () => ({ keep: dice.pick<JsonValue>(['last', { best: '${{ round % 2 }}' }]) })),
  }),
};
