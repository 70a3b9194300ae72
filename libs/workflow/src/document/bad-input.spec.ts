/** Texts that nobody should send as a graph: each gets an answer that is small, says where, and costs no more than a bound allows. */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { TypedEnvironment, TypedWork } from '../expression/typed-environment.js';
import { objectOfTypes, stringType } from '../expression/types.js';
import { limits } from '../limits.js';
import { graphOf, tool } from '../testing/test-run.js';
import { checkInputSchema } from './check-input-schema.js';
import { suggester } from './suggestion.js';
import { readGraph, validateGraph } from './validate.js';

const json = (nodes: JsonValue[], rest: JsonObject = {}): string => JSON.stringify(graphOf(nodes, rest));
const echo = (value: JsonValue): JsonObject => tool('a', { with: { tool: 'echo', arguments: { value } } });
const lines = (...each: string[]): string => each.join('\n');

/** Each line of nine aliases holds nine times what the line before it holds. */
const bomb = (first: string, around: (aliases: string) => string): string =>
  lines(`a: &a ${first}`, ...['ab', 'bc', 'cd', 'de'].map(([of = '', to = '']) => `${to}: &${to} ${around(nine(of))}`));
const nine = (name: string): string => Array.from({ length: 9 }, () => `*${name}`).join(', ');

const deep = 10_000;

const refused: [name: string, source: () => string, pointer: string, message: string][] = [
  ['10 MB', () => json([echo('x'.repeat(10_000_000))]), '', 'longer than 262144 characters'],
  [
    '100,000 nodes',
    () => json(Array.from({ length: 100_000 }, (_node, index) => tool(`n${index}`))),
    '',
    'longer than 262144 characters',
  ],
  [
    'more nodes than a graph has, in few words',
    () => json(Array.from({ length: 5_000 }, (_node, index) => ({ id: `n${index}`, kind: 'emit', event: 'x' }))),
    '/nodes',
    'at most 1000 nodes, not 5000',
  ],
  ['lists, 10,000 deep', () => `{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`, '', 'deeper than 64 levels. (line 1'],
  ['objects, 10,000 deep', () => `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`, '', 'deeper than 64 levels. (line 1'],
  ['lists without an end', () => '['.repeat(262_144), '', 'deeper than 64 levels. (line 1'],
  ['dashes, 10,000 deep', () => `a:\n${'- '.repeat(deep)}x`, '', 'deeper than 64 levels. (line 2'],
  ['question marks, 10,000 deep', () => `${'? '.repeat(deep)}x`, '', 'deeper than 64 levels. (line 1'],
  [
    'indents, 700 deep',
    () => Array.from({ length: 700 }, (_line, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    '',
    'deeper than 64 levels. (line 67',
  ],
  ['a list that holds itself', () => 'a: &a [*a]', '/a/0/0/0', 'deeper than 64 levels'],
  [
    'anchors that explode',
    () => bomb('[x, x, x, x, x, x, x, x, x]', (aliases) => `[${aliases}]`),
    '',
    'Too many aliases',
  ],
  ['merges that explode', () => bomb('{x: 1}', (aliases) => `{<<: [${aliases}]}`), '', 'Too many aliases'],
  [
    'as many anchors as aliases',
    () => Array.from({ length: 9_000 }, (_line, index) => `- &a${index} x\n- *a${index}`).join('\n'),
    '',
    'more than 500 aliases. (line 10',
  ],
  ['a key twice', () => '{"nodes": [{"id": "a", "id": "b"}]}', '/nodes/0/id', 'The key id stands twice (line 1)'],
  ['a key twice, once in escapes', () => '{"id": 1, "\\u0069d": 2}', '/id', 'The key id stands twice'],
  ['a key twice, once as a number', () => 'a: {1: x, "1": y}', '/a/1', 'The key 1 stands twice'],
  ['two documents', () => '---\n'.repeat(60_000), '', 'multiple documents'],
  ['a Cyrillic letter in an id', () => json([tool('\u0430')]), '/nodes/0/id', 'It holds the character U+0430.'],
  ['a letter without width in an id', () => json([tool('a\u200b')]), '/nodes/0/id', 'U+200B'],
  ['a composed letter in an id', () => json([tool('caf\u00e9')]), '/nodes/0/id', 'U+00E9'],
  ['a decomposed letter in an id', () => json([tool('cafe\u0301')]), '/nodes/0/id', 'U+0301'],
  ['a wide letter in an id', () => json([tool('\uff41')]), '/nodes/0/id', 'U+FF41'],
  ['a letter beyond the basic plane in an id', () => json([tool('\u{1d4b6}')]), '/nodes/0/id', 'U+1D4B6'],
  ['an end of line in an id', () => json([tool('a\n')]), '/nodes/0/id', 'U+000A'],
  [
    'a need that looks like a node',
    () => json([tool('a'), tool('b', { needs: ['\u0430'] })]),
    '/nodes/1/needs/0',
    'U+0430',
  ],
  [
    'an expression that reads what looks like a node',
    () => json([tool('a'), tool('b', { needs: ['a'], when: '${{ nodes["\u0430"].status == "x" }}' })]),
    '/nodes/1/when',
    "There is no node '\u0430'. It holds the character U+0430.",
  ],
  [
    'a field that looks like one',
    () => JSON.stringify({ ...graphOf([tool('a')]), 'n\u043edes': [] }),
    '/n\u043edes',
    'U+043E',
  ],
  ['a name that looks like one', () => json([], { metadata: { name: 't\u0435st' } }), '/metadata/name', 'U+0435'],
  [
    'an expression of 200,000 characters',
    () => json([echo(`\${{ ${'1+'.repeat(100_000)}1 }}`)]),
    '/nodes/0/with/arguments/value',
    'longer than 4000',
  ],
  [
    'an expression of 1 MB',
    () => json([echo(`\${{ ${'1+'.repeat(500_000)}1 }}`)]),
    '',
    'longer than 262144 characters',
  ],
  [
    'expressions without an end',
    () => json([echo('${{ "'.repeat(40_000))]),
    '/nodes/0/with/arguments/value',
    'not closed',
  ],
  [
    'attempts below nothing',
    () => json([tool('a', { retry: { maxAttempts: -1 } })]),
    '/nodes/0/retry/maxAttempts',
    '>=1',
  ],
  ['money below nothing', () => json([tool('a')], { budget: { usd: -5 } }), '/budget/usd', '>0'],
  [
    'rounds below nothing',
    () => json([{ id: 'l', kind: 'loop', maxRounds: -1, nodes: [tool('x')] }]),
    '/nodes/0/maxRounds',
    '>=1',
  ],
  [
    'a length below nothing',
    () => json([tool('a')], { input: { type: 'object', properties: { a: { type: 'string', minLength: -1 } } } }),
    '/input/properties/a/minLength',
    '>=0',
  ],
  [
    'a duration of a million years',
    () => json([tool('a', { timeout: { total: '999999999d' } })]),
    '/nodes/0/timeout/total',
    'longer than 366 days',
  ],
  [
    'a duration below nothing',
    () => json([tool('a', { timeout: { idle: '-1s' } })]),
    '/nodes/0/timeout/idle',
    'must be a number and a unit',
  ],
  [
    'a duration of 200,000 digits',
    () => json([{ id: 'w', kind: 'wait', for: '1'.repeat(200_000) }]),
    '/nodes/0/for',
    'must be a number and a unit',
  ],
  [
    'a moment of 200,000 digits',
    () => json([{ id: 'w', kind: 'wait', until: `2030-01-01T00:00:0${'0'.repeat(200_000)}` }]),
    '/nodes/0/until',
    'must be a date and time',
  ],
  ['a number beyond all numbers', () => '{"apiVersion": 1e400}', '/apiVersion', 'too large for one'],
  ['a number that is none', () => 'apiVersion: .nan', '/apiVersion', 'none that JSON has'],
  [
    'a number that would change',
    () => json([echo(0)]).replace('"value":0', '"value":9007199254740993'),
    '/nodes/0/with/arguments/value',
    'The number 9007199254740993 is beyond 2^53',
  ],
  [
    'a number of 200,000 digits',
    () => json([echo(0)]).replace('"value":0', `"value":${'9'.repeat(200_000)}`),
    '/nodes/0/with/arguments/value',
    'is beyond 2^53',
  ],
  ['U+0000', () => json([echo('a\0b')]), '/nodes/0/with/arguments/value', 'U+0000'],
  ['U+0000 in a key', () => json([echo({ 'a\0': 1 })]), '/nodes/0/with/arguments/value/a\ufffd', 'U+0000'],
  ['half of a surrogate pair', () => '{"nodes": ["\\ud800"]}', '/nodes/0', 'half of a surrogate pair'],
  ['half of a surrogate pair in YAML', () => 'a: "\\uDC00"', '/a', 'half of a surrogate pair'],
  ['half of a surrogate pair in a key', () => '{"a\\udc00": 1}', '/a\ufffd', 'half of a surrogate pair'],
  ['__proto__', () => '{"metadata": {"__proto__": {"name": "x"}}}', '/metadata/__proto__', 'not allowed'],
  [
    'constructor',
    () => json([echo({ constructor: { prototype: 1 } })]),
    '/nodes/0/with/arguments/value/constructor',
    'not allowed',
  ],
  ['prototype', () => json([echo({ prototype: 1 })]), '/nodes/0/with/arguments/value/prototype', 'not allowed'],
  ['__proto__ by a merge', () => 'x: &x {"__proto__": {a: 1}}\ny: {<<: *x}', '/y/<</__proto__', 'not allowed'],
  [
    'a kind of 200,000 characters',
    () => json([{ id: 'a', kind: 'k'.repeat(200_000) }]),
    '/nodes/0/kind',
    'There is no kind',
  ],
  [
    'a field of 200,000 characters',
    () => json([{ ...tool('a'), ['k'.repeat(200_000)]: 1 }]),
    '/nodes/0',
    'longer than 2000',
  ],
  [
    'thousands of mistakes under a long key',
    () => json([echo({ ['k'.repeat(200_000)]: Array.from({ length: 4_000 }, () => '${{') })]),
    '/nodes/0/with/arguments/value',
    'longer than 2000',
  ],
];

describe('a graph is refused, with the place,', () => {
  it.each(refused)('for %s', (_name, source, pointer, message) => {
    const read = readGraph(source());
    const violations = 'violations' in read ? read.violations : [];
    expect(violations.length).toBeGreaterThan(0);
    expect(violations.length).toBeLessThanOrEqual(limits.violations);
    const [first] = violations;
    expect(first?.pointer).toContain(pointer);
    expect(first?.message).toContain(message);
    expect(JSON.stringify(violations).length).toBeLessThan(20_000);
  });
});

describe('however many mistakes there are', () => {
  const many: [name: string, source: () => string][] = [
    ['keys that stand twice', () => `{${Array.from({ length: 30_000 }, () => '"a":1').join(',')}}`],
    ['errors of syntax', () => 'a: "\\q"\n'.repeat(20_000)],
    ['unknown tags', () => '- !x y\n'.repeat(20_000)],
    ['unknown directives', () => `${'%FOO\n'.repeat(20_000)}---\na: 1`],
    ['tags of one value', () => `a: ${'!!str '.repeat(20_000)}`],
    ['anchors of one value', () => `a: ${'&a '.repeat(20_000)}`],
    ['unknown kinds', () => `nodes:\n${'  - { id: A, kind: zzz }\n'.repeat(1_000)}`],
    ['needs of nothing', () => json(named((id, index) => tool(id, { needs: [`zz${index}`, `yy${index}`] })))],
    ['targets of nothing', () => json(named((id, index) => tool(id, { onError: { goto: `zz${index}` } })))],
    [
      'expressions of nothing',
      () => json(named((id, index) => tool(id, { when: `\${{ nodes.zz${index}.status == "a" }}` }))),
    ],
    ['broken expressions', () => json([echo(Array.from({ length: 4_500 }, () => '${{ 1 + }}'))])],
    ['unknown fields of a task', () => json([tool('a', { with: Object.fromEntries(names.map((name) => [name, 1])) })])],
  ];
  const names = Array.from({ length: 1_000 }, (_name, index) => `name-${index}`);
  const named = (node: (id: string, index: number) => JsonValue): JsonValue[] => names.map(node);

  it.each(many)('%s are told a hundred times at most', (_name, source) => {
    const read = readGraph(source());
    const violations = 'violations' in read ? read.violations : [];
    expect(violations.length).toBeGreaterThan(1);
    expect(violations.length).toBeLessThanOrEqual(limits.violations);
    expect(JSON.stringify(violations).length).toBeLessThan(50_000);
  });

  it('near names are looked for as often as mistakes are told', () => {
    const suggestion = suggester(['alpha']);
    const hints = Array.from({ length: limits.violations + 5 }, () => suggestion('alhpa'));
    expect(hints.filter((hint) => hint !== '')).toHaveLength(limits.violations);
  });
});

describe('the work of a check is bounded', () => {
  it('for defaults inside of defaults', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 2_000 }, (_field, index) => [`p${index}`, { type: 'integer', default: 1 }]),
    );
    let schema: JsonObject = { type: 'object', properties: fields, default: {} };
    for (let level = 0; level < 20; level += 1) schema = { type: 'object', properties: { a: schema }, default: {} };
    const read = readGraph(json([tool('a')], { input: { type: 'object', properties: { a: schema } } }));
    expect('violations' in read && read.violations[0]?.message).toContain('more than 5000 values');
  });

  it('to what is allowed for defaults, and not less', () => {
    const input = { type: 'object', properties: { n: { type: 'integer', default: 1 }, m: { type: 'null' } } } as const;
    const withDefault = { ...input, default: {} };
    expect(checkInputSchema(withDefault, { left: 4 })).toEqual([]);
    expect(checkInputSchema(withDefault, { left: 3 })).toMatchObject([{ pointer: '/input/properties/n/default' }]);
  });

  it('to what is allowed for types, beyond which anything may be', () => {
    const input = objectOfTypes([['topic', stringType]]);
    expect(() => new TypedEnvironment({ input }, new TypedWork(9)).check('input.topc')).toThrow('No such key');
    expect(new TypedEnvironment({ input }, new TypedWork(8)).check('input.topc')).toEqual({ kind: 'any' });
  });

  it('so that a large graph with a large input is read', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 900 }, (_field, index) => [`p${index}`, { type: 'integer' }]),
    );
    const nodes = Array.from({ length: 900 }, (_node, index) => tool(`n${index}`, { when: '${{ input.p0 == 1.0 }}' }));
    expect(readGraph(json(nodes, { input: { type: 'object', properties } }))).toHaveProperty('graph');
  });
});

it('a document that is no text is refused at the place that is too deep', () => {
  let value: JsonValue = 'x';
  for (let level = 0; level < deep; level += 1) value = { a: value };
  expect(validateGraph(graphOf([echo(value)]))).toMatchObject({
    violations: [
      {
        pointer: expect.stringContaining('/nodes/0/with/arguments/value/a/a'),
        message: expect.stringContaining('deeper'),
      },
    ],
  });
});
