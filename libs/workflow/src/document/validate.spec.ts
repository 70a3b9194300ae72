import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { compileGraph } from '../compile/compile.js';
import { graphOf, tool } from '../testing/test-run.js';
import { digestOf } from './digest.js';
import { graphJsonSchema, readGraph, validateGraph } from './validate.js';

/** The violations of a document as `pointer: message`. */
function violationsOf(document: unknown): string[] {
  const validation = validateGraph(document);
  if ('graph' in validation) return [];
  return validation.violations.map(({ pointer, message }) => `${pointer}: ${message}`);
}

const ofNodes = (nodes: JsonValue[], rest: JsonObject = {}): string[] => violationsOf(graphOf(nodes, rest));
const echo = (value: JsonValue): JsonObject => ({ with: { tool: 'echo', arguments: { value } } });
const search = (rest: JsonObject = {}): JsonObject => ({
  id: 's',
  kind: 'search',
  with: { collection: 'docs', query: 'q' },
  ...rest,
});

describe('a sound graph', () => {
  it('gets the defaults of the format', () => {
    const validation = validateGraph(graphOf([tool('a')]));
    expect(validation).toMatchObject({
      graph: {
        input: { type: 'object' },
        nodes: [
          {
            id: 'a',
            needs: [],
            onError: 'fail',
            retry: { maxAttempts: 3, backoff: { initial: '1s', max: '30s', factor: 2 } },
          },
        ],
      },
    });
  });

  it('has a digest that layout and the order of keys do not change', () => {
    expect(digestOf({ a: 1, b: { c: [1, 2], d: 'x' } })).toBe(digestOf({ b: { d: 'x', c: [1, 2] }, a: 1 }));
    expect(digestOf({ a: [1, 2] })).not.toBe(digestOf({ a: [2, 1] }));
    expect(digestOf({})).toMatch(/^[0-9a-f]{64}$/);
  });

  it('has a JSON Schema for editors', () => {
    expect(graphJsonSchema()).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['apiVersion', 'kind', 'metadata', 'nodes']) as unknown,
    });
  });
});

describe('structure', () => {
  it.each<[string, JsonValue[], string[]]>([
    ['no nodes', [], ['/nodes: ']],
    ['duplicate ids', [tool('a'), tool('a')], ["/nodes/1/id: The id 'a' is taken by the node at /nodes/0."]],
    [
      'duplicate ids in a map',
      [tool('a'), { id: 'm', kind: 'map', over: [1], nodes: [tool('a')] }],
      ["/nodes/1/nodes/0/id: The id 'a' is taken by the node at /nodes/0."],
    ],
    [
      'needs of nothing',
      [tool('alpha'), tool('b', { needs: ['alhpa'] })],
      ["/nodes/1/needs/0: There is no node 'alhpa'. Did you mean 'alpha'?"],
    ],
    ['needs of itself', [tool('a', { needs: ['a'] })], ["/nodes/0/needs/0: The node 'a' needs itself."]],
    [
      'needs across a map',
      [tool('a'), { id: 'm', kind: 'map', over: [1], nodes: [tool('x', { needs: ['a'] })] }],
      ["/nodes/1/nodes/0/needs/0: The node 'a' is not beside this one: needs name nodes of the same list."],
    ],
    [
      'a cycle',
      [tool('a', { needs: ['c'] }), tool('b', { needs: ['a'] }), tool('c', { needs: ['b'] })],
      ['/nodes/0/needs: The nodes need each other in a cycle: a -> b -> c -> a.'],
    ],
    [
      'a cycle behind a sound node',
      [tool('r'), tool('x', { needs: ['r', 'y'] }), tool('y', { needs: ['x'] })],
      ['/nodes/1/needs: The nodes need each other in a cycle: x -> y -> x.'],
    ],
  ])('finds %s', (_name, nodes, expected) => {
    const violations = ofNodes(nodes);
    expect(violations).toHaveLength(expected.length);
    expected.forEach((text, index) => expect(violations[index]).toContain(text));
  });

  it.each<[string, JsonObject, string]>([
    ['an unknown kind', { kind: 'serch' }, "/nodes/0/kind: There is no kind 'serch'. Did you mean 'search'?"],
    [
      'an unknown field',
      { kind: 'tool', need: [] },
      "/nodes/0/need: There is no field 'need' here. Did you mean 'needs'?",
    ],
    ['a field of another kind', { kind: 'tool', over: [] }, "/nodes/0/over: There is no field 'over' here."],
    ['a wrong type', { kind: 'tool', needs: 'a' }, '/nodes/0/needs: '],
    ['an id that is none', { kind: 'tool', id: 'A b' }, '/nodes/0/id: must be 1 to 63'],
    ['too many attempts', { kind: 'tool', retry: { maxAttempts: 21 } }, '/nodes/0/retry/maxAttempts: '],
    [
      'a duration that is none',
      { kind: 'tool', timeout: { total: '5 minutes' } },
      '/nodes/0/timeout/total: must be a number and a unit',
    ],
    ['a loop without bound', { kind: 'loop', nodes: [tool('x')] }, '/nodes/0/maxRounds: '],
    ['an empty map', { kind: 'map', over: [1], nodes: [] }, '/nodes/0/nodes: '],
  ])('finds %s', (_name, fields, expected) => {
    expect(ofNodes([{ id: 'a', ...fields }]).join('\n')).toContain(expected);
  });

  it('finds kinds at any depth, and everything at once', () => {
    const violations = ofNodes([
      { id: 'm', kind: 'map', over: [1], nodes: [{ id: 'x', kind: 'lllm' }] },
      { id: 'B', kind: 'tool', extra: 1 },
    ]);
    expect(violations).toHaveLength(3);
    expect(violations[0]).toContain('/nodes/0/nodes/0/kind');
  });

  it('bounds the number of nodes and of levels', () => {
    expect(ofNodes(Array.from({ length: 1_001 }, (_value, index) => tool(`n${index}`)))).toEqual([
      '/nodes: A graph has at most 1000 nodes, not 1001.',
    ]);
    let node: JsonObject = tool('x');
    for (let level = 0; level < 5; level += 1)
      node = { id: `m${level}`, kind: 'map', as: `i${level}`, over: [1], nodes: [node] };
    expect(ofNodes([node]).join()).toContain('nested deeper than 4 levels');
  });

  it('accepts a thousand nodes in a chain, each reading the one before', () => {
    const chain = Array.from({ length: 1_000 }, (_value, index) =>
      tool(
        `n${index}`,
        index === 0 ? {} : { needs: [`n${index - 1}`], ...echo(`\${{ nodes.n${index - 1}.output.result }}`) },
      ),
    );
    expect(ofNodes(chain)).toEqual([]);
  });
});

describe('expressions', () => {
  const input = {
    type: 'object',
    properties: {
      topic: { type: 'string' },
      count: { type: 'integer' },
      tags: { type: 'array', items: { type: 'string' } },
    },
  };
  const one = (value: JsonValue, rest: JsonObject = {}): string[] =>
    ofNodes(
      [
        search(),
        tool('later', { needs: ['a'] }),
        { id: 'm', kind: 'map', over: [1], nodes: [tool('inner')] },
        tool('a', { needs: ['s'], ...echo(value), ...rest }),
      ],
      { input },
    );

  it.each([
    '${{ input.topic + string(input.count + 1) }}',
    '${{ input.tags.map(t, t.upperAscii()) }}',
    '${{ nodes.s.output.passages.filter(p, p.score > 0.5).map(p, p.text) }}',
    '${{ nodes["s"].output.coverage * 2 }}',
    '${{ has(nodes.s.output) ? nodes.s.status : nodes.s.error.code }}',
    '${{ input.?topic.orValue("none") }}',
    '${{ run.id }}',
    '${{ size(input.tags) % 2 == 0 && input.count % 2 == 1 }}',
    'text ${{ input.topic }} and ${{ input.count }}',
  ])('accepts %s', (value) => {
    expect(one(value)).toEqual([]);
  });

  it.each<[string, string]>([
    ['${{ 1 + }}', 'Unexpected token'],
    ['${{ 1', 'not closed'],
    ['${{ topic }}', 'Unknown variable: topic'],
    ['${{ input.topc }}', 'No such key: topc'],
    ['${{ input.topic + 1 }}', 'no such overload: string + int'],
    ['${{ input.topic.tags }}', 'Cannot index type'],
    ['${{ nodes.s.output.passages[0].txt }}', 'No such key: txt'],
    ['${{ nodes.s.outptu }}', 'No such key: outptu'],
    ['${{ nodes.z.output }}', "There is no node 'z'."],
    ['${{ has(nodes.z.output) }}', "There is no node 'z'."],
    ['${{ nodes.later.output }}', "The node 'later' does not end before 'a': add it to `needs`."],
    ['${{ nodes.a.output }}', "The node 'a' does not end before 'a'"],
    ['${{ nodes.inner.output }}', "The node 'inner'"],
    ['${{ nodes[input.topic].output }}', 'Nodes are read by name'],
    ['${{ size(nodes) }}', 'Nodes are read by name'],
    ['${{ index }}', 'Unknown variable: index'],
    ['${{ "a".matches("b") }}', 'matches() is not available'],
    ['tags: ${{ input.tags }}', 'a list cannot stand inside of a text'],
  ])('refuses %s', (value, message) => {
    expect(one(value).join('\n')).toContain(`/nodes/3/with/arguments/value: `);
    expect(one(value).join('\n')).toContain(message);
  });

  it.each<[string, JsonObject, string]>([
    [
      'when is no boolean',
      { when: '${{ input.count }}' },
      '/nodes/3/when: This must yield a boolean, but it yields a number.',
    ],
    ['when is a text', { when: 'yes' }, '/nodes/3/when: This must yield a boolean, but it yields a string.'],
  ])('%s', (_name, rest, message) => {
    expect(one('x', rest)).toEqual([message]);
  });

  it('checks what maps run over, and the type of their elements', () => {
    const map = (over: JsonValue, value: string): string[] =>
      ofNodes(
        [
          search(),
          {
            id: 'm',
            kind: 'map',
            needs: ['s'],
            as: 'p',
            over,
            nodes: [tool('x', echo(value))],
            output: '${{ nodes.x.output.result }}',
          },
        ],
        { input },
      );
    expect(
      map('${{ nodes.s.output.passages }}', '${{ p.text + string(index) + input.topic + nodes.s.status }}'),
    ).toEqual([]);
    expect(map('${{ nodes.s.output.passages }}', '${{ p.txt }}').join()).toContain('No such key: txt');
    expect(map('${{ input.topic }}', 'x')).toEqual(['/nodes/1/over: This must yield a list, but it yields a string.']);
    expect(map([1, 2], '${{ p + 1 }}')).toEqual([]);
  });

  it.each(['input', 'index', 'nodes', 'string', 'int', 'package', 'loop'])('refuses to call an item %s', (as) => {
    expect(
      ofNodes([{ id: 'm', kind: 'map', as, over: [1], nodes: [tool('x')] }]).every((text) =>
        text.startsWith('/nodes/0/as: '),
      ),
    ).toBe(true);
  });

  it('checks what loops read', () => {
    const loop = (rest: JsonObject): string[] =>
      ofNodes([
        {
          id: 'l',
          kind: 'loop',
          maxRounds: 2,
          nodes: [search(), tool('x', echo('${{ [round, previous] }}'))],
          ...rest,
        },
        tool('y', { needs: ['l'], ...echo('${{ nodes.l.output.n + 1 }}') }),
      ]);
    expect(
      loop({
        until: '${{ nodes.s.output.coverage > 0.5 && round > 1 }}',
        keep: { best: '${{ nodes.s.output.coverage }}' },
        output: { n: '${{ nodes.s.output.coverage }}' },
      }),
    ).toEqual([]);
    expect(loop({ until: '${{ nodes.s.output.query }}' })).toEqual([
      '/nodes/0/until: This must yield a boolean, but it yields a string.',
    ]);
    expect(loop({ keep: { best: '${{ nodes.s.output.query }}' } })).toEqual([
      '/nodes/0/keep/best: This must yield a number, but it yields a string.',
    ]);
    expect(loop({ output: { n: '${{ nodes.s.output.query }}' } })).toEqual([
      '/nodes/1/with/arguments/value: no such overload: string + int',
    ]);
  });

  it('checks the output of the graph', () => {
    expect(
      ofNodes([search()], {
        output: { text: '${{ nodes.s.output.passages[0].text }}', gone: '${{ nodes.s.output.gone }}' },
      }),
    ).toEqual(['/output/gone: No such key: gone']);
  });

  it('checks what is combined', () => {
    expect(ofNodes([{ id: 'c', kind: 'combine' }])[0]).toContain('/nodes/0: There is nothing to combine');
    expect(ofNodes([search(), { id: 'c', kind: 'combine', from: ['s'] }])[0]).toContain('/nodes/1/from/0: ');
    expect(
      ofNodes([
        search(),
        { id: 'c', kind: 'combine', needs: ['s'] },
        tool('t', { needs: ['c'], ...echo('${{ nodes.c.output.s.passges }}') }),
      ])[0],
    ).toContain('No such key: passges');
  });
});

describe('the input of a task', () => {
  it.each<[string, JsonObject, string]>([
    [
      'an unknown field',
      { colection: 'docs', collection: 'docs', query: 'q' },
      "/nodes/0/with/colection: The task search has no field 'colection'.",
    ],
    ['a missing field', { query: 'q' }, '/nodes/0/with/collection: This field is required.'],
    ['a literal out of bounds', { collection: 'docs', query: 'q', limit: 1_000 }, '/nodes/0/with/limit: '],
    ['a literal of the wrong type', { collection: 'docs', query: 5 }, '/nodes/0/with/query: '],
    [
      'an expression of the wrong type',
      { collection: 'docs', query: '${{ input.n }}' },
      '/nodes/0/with/query: The task search expects string here, but the expression yields a number.',
    ],
    [
      'a list where a number belongs',
      { collection: 'docs', query: 'q', limit: '${{ [1] }}' },
      '/nodes/0/with/limit: The task search expects number here, but the expression yields a list.',
    ],
  ])('finds %s', (_name, fields, expected) => {
    const violations = ofNodes([{ id: 's', kind: 'search', with: fields }], {
      input: { type: 'object', properties: { n: { type: 'number' } } },
    });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(expected);
  });

  it('trusts expressions whose value is not known', () => {
    const fields = {
      collection: '${{ input.collection }}',
      query: '${{ run.id }}',
      limit: '${{ 5 }}',
      allowEmpty: '${{ input.a }}',
    };
    expect(ofNodes([{ id: 's', kind: 'search', with: fields }])).toEqual([]);
  });
});

describe('the input of a graph', () => {
  const of = (properties: JsonObject, rest: JsonObject = {}): string[] =>
    ofNodes([tool('a')], { input: { type: 'object', properties, ...rest } });

  it.each<[string, JsonObject, JsonObject, string]>([
    [
      'a default that does not fit',
      { n: { type: 'integer', default: 'x' } },
      {},
      '/input/properties/n/default: The default does not fit',
    ],
    ['a required property that is not there', {}, { required: ['n'] }, "/input/required/0: There is no property 'n'."],
    [
      'a pattern, which may take for ever',
      { n: { type: 'string', pattern: '(a+)+$' } },
      {},
      '/input/properties/n/pattern: ',
    ],
    ['a reference', { n: { type: 'string', $ref: '#' } }, {}, '/input/properties/n/$ref: '],
    ['an unknown type', { n: { type: 'text' } }, {}, '/input/properties/n/type: '],
  ])('refuses %s', (_name, properties, rest, expected) => {
    expect(of(properties, rest).join('\n')).toContain(expected);
  });
});

describe('hostile documents', () => {
  const nested = (levels: number): JsonValue => {
    let value: JsonValue = 'x';
    for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  };

  it.each<[string, () => unknown]>([
    ['depth 10,000', () => nested(10_000)],
    ['depth 10,000 inside of a node', () => graphOf([tool('a', echo(nested(10_000)))])],
    [
      'a cycle of objects',
      () => {
        const value: Record<string, unknown> = {};
        value['self'] = value;
        return value;
      },
    ],
    ['a million values', () => Array.from({ length: 1_000_000 }, () => 1)],
    ['a text of ten million characters', () => ({ a: 'x'.repeat(10_000_000) })],
    ['__proto__', () => JSON.parse('{"__proto__": {"apiVersion": "millrace/v1"}}') as unknown],
    ['constructor', () => graphOf([tool('a', { with: { tool: 'echo', arguments: { constructor: 1 } } })])],
    ['a function', () => ({ a: () => 1 })],
    ['a NUL character', () => graphOf([tool('a', echo('x\0'))])],
    ['half of a surrogate pair in a key', () => graphOf([tool('a', echo({ 'x\ud800': 1 }))])],
    ['a date', () => ({ a: new Date(0) })],
    ['infinity', () => ({ a: Infinity })],
    ['a sparse list', () => ({ a: new Array(5) })],
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 5],
  ])('%s is refused', (_name, make) => {
    expect(violationsOf(make()).length).toBeGreaterThan(0);
  });

  it('at most 100 violations are reported', () => {
    const broken = Array.from({ length: 500 }, (_value, index) => ({ id: `n${index}`, kind: `k${index}` }));
    expect(ofNodes(broken)).toHaveLength(100);
  });

  it('thousands of expressions are refused', () => {
    expect(ofNodes([tool('a', echo(Array.from({ length: 6_000 }, () => '${{ run.id }}')))])).toContain(
      ': A graph holds at most 5000 expressions.',
    );
  });

  it('no value whatever makes it throw', () => {
    fc.assert(fc.property(fc.anything(), (value) => void violationsOf(value)));
  });

  it('no change to a sound document makes it throw, and what it accepts compiles', () => {
    const sound = graphOf(
      [
        search(),
        {
          id: 'm',
          kind: 'map',
          needs: ['s'],
          over: '${{ nodes.s.output.passages }}',
          nodes: [tool('x', echo('${{ item.text }}'))],
          output: '${{ nodes.x.output }}',
        },
        {
          id: 'l',
          kind: 'loop',
          maxRounds: 2,
          nodes: [tool('y')],
          until: '${{ round > 1 }}',
          keep: { best: '${{ round }}' },
        },
      ],
      {
        input: { type: 'object', properties: { n: { type: 'integer', default: 1 } } },
        output: { m: '${{ nodes.m.output }}' },
      },
    );
    const paths = pathsOf(sound);
    const change = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(
        '${{ nodes.s }}',
        '${{ [1].map(x, x) }}',
        '${{',
        '}}',
        'map',
        'llm',
        's',
        'm',
        ['s', 'l'],
        -1,
        1e9,
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(paths.length - 1), change), { minLength: 1, maxLength: 3 }), (changes) => {
        const document = structuredClone(sound);
        for (const [index, value] of changes)
          put(document, paths[index] ?? [], JSON.parse(JSON.stringify(value ?? null)) as JsonValue);
        if (violationsOf(document).length === 0) compileGraph(document);
      }),
      { numRuns: 500 },
    );
  });

  function pathsOf(value: JsonValue, path: string[] = []): string[][] {
    if (typeof value !== 'object' || value === null) return [path];
    return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))].filter(
      ({ length }) => length > 0,
    );
  }

  function put(document: JsonValue, path: readonly string[], value: JsonValue): void {
    let target: unknown = document;
    for (const key of path.slice(0, -1)) {
      // Own members only: a list has a method called `with`, too.
      const holds = typeof target === 'object' && target !== null && Object.hasOwn(target, key);
      target = holds ? (target as Record<string, unknown>)[key] : undefined;
    }
    if (typeof target === 'object' && target !== null)
      Object.defineProperty(target, path.at(-1) ?? '', { value, enumerable: true, configurable: true, writable: true });
  }
});

describe('reading a text', () => {
  const head = 'apiVersion: millrace/v1\nkind: Graph\nmetadata: { name: test }\n';
  const violations = (source: string): string[] => {
    const read = readGraph(source);
    return 'violations' in read ? read.violations.map(({ pointer, message }) => `${pointer}: ${message}`) : [];
  };

  it('reads YAML and JSON alike', () => {
    const yaml = readGraph(`${head}nodes:\n  - { id: a, kind: tool, with: { tool: echo } }\n`);
    const json = readGraph(JSON.stringify(graphOf([tool('a')])));
    expect(yaml).toEqual(json);
    expect('document' in yaml && yaml.document && digestOf(yaml.document)).toBe(digestOf(graphOf([tool('a')])));
  });

  it('says the line of a mistake', () => {
    expect(violations(`${head}nodes:\n  - id: a\n    kind: tool\n    with: { tool: echo }\n    needs: [b]\n`)).toEqual([
      "/nodes/0/needs/0: There is no node 'b'. (line 8)",
    ]);
    expect(
      violations(`${head}nodes:\n  - id: a\n    kind: tool\n    nedes: []\n    with: { tool: echo }\n`)[0],
    ).toContain('(line 7)');
  });

  it.each<[string, string, string]>([
    ['broken YAML', 'a: [1, 2', 'line 1'],
    ['a key that stands twice', 'a: 1\nb: 2\na: 3\n', 'The key a stands twice (line 3)'],
    ['a key that stands twice in JSON', '{"a": {"b": 1, "b": 2}}', 'The key b stands twice (line 1)'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'multiple documents'],
    ['a tag', 'a: !!js/function "x"', 'Unresolved tag'],
    ['an alias of nothing', 'a: *b', 'Unresolved alias'],
    [
      'a bomb of aliases',
      [
        'a: &a [x, x, x, x, x, x, x, x, x]',
        'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]',
        'c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]',
        'd: [*c, *c, *c, *c, *c, *c, *c, *c, *c]',
      ].join('\n'),
      'Too many aliases',
    ],
    ['lists in lists', '['.repeat(100_000), 'nested deeper than 64 levels'],
    ['lists in lists by dashes', '- '.repeat(100_000), 'nested deeper than 64 levels'],
    ['a long text', 'x'.repeat(300_000), 'longer than'],
    ['a prototype', '__proto__: { a: 1 }', '__proto__ is not allowed'],
    ['a number that is no JSON', 'a: .inf', 'none that JSON has'],
    ['a NUL character', 'a: { b: "x\\0" }', '/a/b: This text holds the character U+0000'],
    ['a key that is no text', '? [a]\n: 1', 'line 1'],
    ['nothing', '', 'A graph is an object'],
    ['a list', '[]', 'A graph is an object'],
    ['a text', 'hello', 'A graph is an object'],
  ])('refuses %s', (_name, source, message) => {
    expect(violations(source).join('\n')).toContain(message);
  });

  it('no text whatever makes it throw', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ' ',
      '\n',
      '- ',
      '? ',
      '&a ',
      '*a',
      '!!map ',
      '|\n',
      '>',
      '"',
      "'",
      '#',
      '%YAML 1.1\n',
      '---\n',
      '\t',
      '<<',
      'nodes',
      'kind',
      '\u0000',
      '\ud800',
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(pieces, fc.string({ maxLength: 5 })), { maxLength: 40 }),
        (parts) => void violations(parts.join('')),
      ),
      { numRuns: 500 },
    );
  });
});
