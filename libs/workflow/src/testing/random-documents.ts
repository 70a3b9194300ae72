/** Documents that are graphs, or nearly: for fuzzing what reads them. */
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { availableKinds } from '../document/graph-document.js';

/** Mostly what a field may hold, and now and then anything. */
const or = (...sound: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 80, arbitrary: fc.oneof(...sound) }, { weight: 1, arbitrary: odd });
const odd = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(-1, 1e21, 2 ** 53 + 2, '', '${{', 'a\u0000', '\ud800', '\u0430', null),
);
const among = (...values: JsonValue[]): fc.Arbitrary<unknown> => fc.constantFrom(...values);

const ids = ['a', 'b', 'c', 'd'] as const;
const id = among(...ids);
const durations = or(among('500ms', '30s', '7d', '366d'));
const templates = fc.oneof(
  { weight: 9, arbitrary: among('plain', '${{ input }}', '${{ run.id }}', '$${{ no }}') },
  {
    weight: 1,
    arbitrary: among('${{ nodes.a.output }}', '${{ nodes.a.status }} x', '${{ item }}', '${{ round }}', '${{ 1 + }}'),
  },
);
const conditions = or(
  fc.boolean(),
  fc.boolean(),
  fc.boolean(),
  among('${{ true }}', '${{ has(input.x) }}', '${{ nodes.a.status == "completed" }}', '${{ round > 1 }}'),
);
const targets = fc.oneof(
  { weight: 3, arbitrary: among([]) },
  { weight: 1, arbitrary: fc.array(id, { minLength: 1, maxLength: 2 }) },
);

const common = {
  needs: fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 2 }),
  when: conditions,
  onError: or(among(...Array.from({ length: 9 }, () => 'continue'), 'fail', { goto: 'b' })),
  description: or(fc.string({ unit: 'grapheme', maxLength: 10 })),
};
const inputs: Readonly<Record<string, JsonObject>> = {
  search: { collection: 'docs', query: 'q' },
  llm: { prompt: 'content/outline@1', variables: {} },
  evaluate: { article: 'x' },
  tool: { tool: 'echo', arguments: { v: '${{ input }}' } },
  http: { url: 'https://example.com/' },
  router: { text: 'x' },
  database: { database: 'shop', query: 'select 1', parameters: [] },
  browser: { url: 'https://example.com/' },
  worker: { any: 1 },
};
const policies = {
  retry: or(
    fc.record(
      { maxAttempts: or(fc.integer({ min: 1, max: 20 })), on: or(fc.array(among('timeout'))) },
      { requiredKeys: [] },
    ),
  ),
  timeout: or(
    fc.record({ total: or(among('7d')), attempt: or(among('1h', '8d')), idle: or(among('30s')) }, { requiredKeys: [] }),
  ),
  cache: or(fc.record({ ttl: durations, key: templates }, { requiredKeys: ['ttl'] })),
  effect: or(among({}, { idempotencyKey: '${{ run.id }}' }, { compensate: { tool: 'echo' } })),
  concurrency: or(
    fc.array(fc.record({ key: templates, limit: or(fc.integer({ min: 1, max: 9 })) }), { minLength: 1, maxLength: 1 }),
  ),
  estimate: or(fc.record({ usd: or(fc.double({ min: 0, max: 5, noNaN: true })) })),
};

const declaredTools = fc
  .tuple(
    fc.constantFrom('search', 'browser', 'http', 'database', 'subgraph', 'worker'),
    fc.record(
      {
        name: or(among('find', 'read', 'call')),
        description: or(fc.constant('Does it.')),
        parameters: or(fc.constant({ type: 'object', required: ['x'], properties: { x: { type: 'string' } } })),
        requireApproval: or(among(true, { deadline: '1m' }, { assignees: ['nobody'] })),
        retry: policies.retry,
        timeout: policies.timeout,
      },
      { requiredKeys: ['name', 'description'] },
    ),
    fc.constantFrom('https://example.com/{x}', 'https://{x}/', '${{ arguments.x }}'),
  )
  .map(([kind, rest, url]) => {
    const { parameters: _parameters, retry: _retry, ...graph } = rest;
    if (kind === 'subgraph') return { kind, graph: 'other', ...graph };
    return { kind, with: { ...inputs[kind], ...(kind === 'http' && { url }) }, ...rest };
  });

const optional = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>, required: readonly string[] = []) =>
  fc.record(fields, { requiredKeys: [...required] });

/** What a node of a kind has beside what all have. */
function fieldsOf(kind: string, depth: number): fc.Arbitrary<object> {
  const inside = depth === 0 ? fc.constant([{ id: 'x', kind: 'emit', event: 'e' }]) : nodes(depth - 1);
  switch (kind) {
    case 'combine':
      return optional({ from: or(targets), mode: or(among('object', 'list', 'concat', 'merge')) });
    case 'transform':
      return optional({ output: or(templates, fc.jsonValue()) }, ['output']);
    case 'emit':
      return optional(
        { event: or(among('done')), with: or(fc.dictionary(fc.string({ maxLength: 5 }), templates, { maxKeys: 3 })) },
        ['event'],
      );
    case 'branch':
      return optional(
        { cases: or(fc.array(fc.record({ when: conditions, then: targets }), { maxLength: 3 })), default: or(targets) },
        ['cases'],
      );
    case 'wait':
      return fc.oneof(
        optional({ for: or(durations) }, ['for']),
        optional({ until: or(among('2030-01-31T09:00:00Z', '2030-02-30T09:00:00Z', '${{ input.at }}')) }, ['until']),
        optional(
          {
            signal: or(among({ name: 's' }, { name: 's', filter: '${{ signal.data.x == 1.0 }}' })),
            timeout: or(fc.record({ total: durations })),
          },
          ['signal'],
        ),
        optional(
          {
            event: or(among({ subject: 'custom.order.paid.v1' }, { subject: '>' })),
            timeout: or(fc.record({ total: durations })),
          },
          ['event'],
        ),
      );
    case 'approval':
      return optional(
        {
          title: or(templates),
          assignees: or(among(['role:admin'], ['key:key_1'], ['somebody'])),
          deadline: or(durations),
          onTimeout: or(among('fail', 'approve', 'reject')),
          form: or(schemas),
        },
        ['title', 'assignees', 'deadline', 'onTimeout'],
      );
    case 'map':
      return optional(
        {
          over: or(among([1, 2], '${{ input.list }}')),
          as: or(among('item', 'one', 'index')),
          maxParallel: or(fc.integer({ min: 1, max: 9 })),
          tolerate: or(among({ failures: 1 }, { failures: '50%' })),
          nodes: inside,
          output: or(templates),
        },
        ['over', 'nodes'],
      );
    case 'loop':
      return optional(
        {
          maxRounds: or(fc.integer({ min: 1, max: 9 })),
          until: conditions,
          nodes: inside,
          output: or(templates),
          keep: or(among('last', { best: '${{ round }}' })),
          onExhausted: or(among('continue', 'fail')),
        },
        ['maxRounds', 'nodes'],
      );
    case 'subgraph':
      return optional(
        {
          graph: or(among('other', 'other@2')),
          with: or(fc.constant({})),
          timeout: or(fc.record({ total: durations })),
        },
        ['graph'],
      );
    case 'agent':
      return optional(
        {
          with: or(fc.constant({ prompt: 'Help.' })),
          tools: or(fc.array(or(among('echo'), declaredTools), { maxLength: 3 })),
          maxRounds: or(fc.integer({ min: 1, max: 9 })),
          retry: policies.retry,
          timeout: policies.timeout,
        },
        ['with'],
      );
    default: {
      const given = { with: or(fc.constant(inputs[kind] ?? {})), ...policies };
      if (kind === 'worker')
        return optional({ ...given, worker: or(among('prices')), timeout: or(fc.record({ total: durations })) }, [
          'with',
          'worker',
          'timeout',
        ]);
      const intents = or(
        fc.array(
          fc.record({
            name: among('refund', 'other'),
            description: fc.constant('d'),
            examples: fc.constant(['e']),
            then: targets,
          }),
          { minLength: 1, maxLength: 2 },
        ),
      );
      if (kind === 'router') return optional({ ...given, intents, fallback: or(targets) }, ['with', 'intents']);
      return optional(given, ['with']);
    }
  }
}

/** Nodes side by side; each needs what stands before it, most of the time. */
function nodes(depth: number): fc.Arbitrary<unknown> {
  const kinds = fc.oneof(
    { weight: 40, arbitrary: fc.constantFrom(...availableKinds) },
    { weight: 1, arbitrary: fc.constantFrom('agent', 'serch') },
  );
  const node = kinds.chain((kind) =>
    fc.tuple(optional(common), fieldsOf(kind, depth)).map(([shared, own]) => ({ kind, ...shared, ...own })),
  );
  const named = fc.array(node, { minLength: 1, maxLength: 3 }).chain((list) =>
    fc.boolean().map((ordered) =>
      list.map((each, index) => {
        const needs = (('needs' in each ? each.needs : []) as string[]).filter(
          (need) => !ordered || ids.indexOf(need as 'a') < index,
        );
        return {
          id: depth === 2 ? ids[index] : `${ids[index] ?? ''}${depth}`,
          ...each,
          needs: depth === 2 ? needs : [],
        };
      }),
    ),
  );
  return fc.oneof({ weight: 80, arbitrary: named }, { weight: 1, arbitrary: odd });
}

const schemas = fc.constantFrom<JsonObject>(
  { type: 'object' },
  { type: 'object' },
  { type: 'object', properties: { y: { type: 'string' } } },
  {
    type: 'object',
    properties: { x: { type: 'string', default: 'd' }, list: { type: 'array', items: { type: 'number' } } },
    required: ['x'],
  },
  { type: 'object', properties: { x: { type: 'integer', default: 'no' } } },
);

/** Graph documents of every kind of node and every policy; a part of them is sound. */
export const randomDocuments: fc.Arbitrary<JsonObject> = fc
  .record(
    {
      apiVersion: or(fc.constant('millrace/v1')),
      kind: or(fc.constant('Graph')),
      metadata: or(
        fc.constant({ name: 'fuzz' }),
        fc.record({ name: fc.constant('fuzz'), description: fc.string({ unit: 'binary' }) }),
      ),
      input: or(schemas),
      timeout: or(durations),
      budget: or(
        fc.record(
          {
            usd: or(fc.double({ min: 0.01, max: 9, noNaN: true })),
            wallClock: durations,
            onExceed: among('pause', 'fail', 'degrade'),
          },
          { requiredKeys: [] },
        ),
      ),
      nodes: nodes(2),
      output: or(templates),
    },
    { requiredKeys: ['apiVersion', 'kind', 'metadata', 'nodes'] },
  )
  .map((document) => JSON.parse(JSON.stringify(document)) as JsonObject);
