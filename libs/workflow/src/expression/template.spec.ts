import { describe, expect, it } from '@jest/globals';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { Meter } from './meter.js';
import { parseTemplate, referencesIn, resolve } from './template.js';
import { toCel } from './values.js';

/** Resolves a template with `input` as the only variable. */
function resolved(template: JsonValue, input: JsonValue = {}): JsonValue {
  const variables = Object.assign(Object.create(null) as Record<string, unknown>, { input: toCel(input) });
  return resolve(parseTemplate(template, ['input']), variables, new Meter());
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error.code;
    throw error;
  }
  return 'none';
}

describe('a template', () => {
  it.each<[string, JsonValue, JsonValue, JsonValue]>([
    ['a text without expressions', 'plain {{ text }} $ }}', {}, 'plain {{ text }} $ }}'],
    ['one expression, typed', '${{ input.n + 1 }}', { n: 2 }, 3],
    ['blanks around one expression belong to a text', ' ${{ input.n }}', { n: 2 }, ' 2'],
    ['text around expressions', 'a ${{ input.x }} b ${{ input.y }}', { x: 'X', y: true }, 'a X b true'],
    ['an escaped opening', 'write $${{ input.x }} so', {}, 'write ${{ input.x }} so'],
    [
      'objects and lists',
      { a: ['${{ input.n }}', 1], b: { c: '${{ input }}' } },
      { n: 1 },
      { a: [1, 1], b: { c: { n: 1 } } },
    ],
    ['braces inside of an expression', '${{ {"a": {"b": 1}} }}', {}, { a: { b: 1 } }],
    ['closing braces in a string', '${{ "}}" + \'"}}\' }}', {}, '}}"}}'],
    ['closing braces in raw and long strings', '${{ r"\\}}" + """}}" """ }}', {}, '\\}}}}" '],
    [
      'integers as numbers',
      '${{ [1, 2u == 2u, 3.5, size("abc"), input.list[1]] }}',
      { list: [5, 6] },
      [1, true, 3.5, 3, 6],
    ],
    [
      'numbers that mix',
      '${{ [input.n / 2, 7 / 2, input.n == 3, 3 == input.n, input.n * 2 - 1 > 4] }}',
      { n: 3 },
      [1.5, 3, true, true, true],
    ],
    ['an absent optional field is left out', { a: '${{ input.?gone }}', b: 1 }, {}, { b: 1 }],
    ['an absent optional element is left out', ['${{ input.?gone }}', 1], {}, [1]],
    ['an absent optional is null by itself', '${{ input.?gone }}', {}, null],
    ['an absent optional is nothing in a text', '<${{ input.?gone }}>', {}, '<>'],
    ['a present optional', { a: '${{ input.?here }}' }, { here: 1 }, { a: 1 }],
    ['a default for an optional', '${{ input.?gone.orValue("x") }}', {}, 'x'],
    ['has()', '${{ has(input.a) && !has(input.b) }}', { a: null }, true],
    [
      'comprehensions',
      '${{ input.l.filter(x, x.n > 1).map(x, x.id) }}',
      {
        l: [
          { n: 1, id: 'a' },
          { n: 2, id: 'b' },
        ],
      },
      ['b'],
    ],
    ['bind', '${{ cel.bind(x, input.n + 1, [x, x]) }}', { n: 1 }, [2, 2]],
    ['flatten', '${{ [[1], [2, [3]], []].flatten() }}', {}, [1, 2, [3]]],
    [
      'distinctBy',
      '${{ input.l.distinctBy("id") }}',
      { l: [{ id: 'a', n: 1 }, { id: 'a', n: 2 }, { id: 1 }, { id: '1' }, 5] },
      [{ id: 'a', n: 1 }, { id: 1 }, { id: '1' }, 5],
    ],
    ['slice, reverse, sum', '${{ [input.l.slice(1, 9).reverse(), [input.l.sum()]] }}', { l: [1, 2, 3] }, [[3, 2], [6]]],
    ['negative zero', '${{ -0.0 }}', {}, 0],
    ['unicode', '${{ input.s + "é" }}', { s: '𝄞' }, '𝄞é'],
  ])('%s', (_name, template, input, expected) => {
    expect(resolved(template, input)).toEqual(expected);
  });

  it('shares what it passes on unchanged', () => {
    const passages = [{ text: 'a' }, { text: 'b' }];
    expect(resolved('${{ input.passages }}', { passages })).toBe(passages);
  });

  it('knows which nodes it reads', () => {
    const template = parseTemplate(
      { a: '${{ nodes.a.output }} ${{ nodes["b-c"].status }}', b: ['${{ [1].map(x, nodes.d.output) }}'] },
      ['nodes'],
    );
    expect(referencesIn(template).toSorted()).toEqual(['a', 'b-c', 'd']);
  });

  it.each([
    ['nothing', '${{ }}'],
    ['half an operator', '${{ 1 + }}'],
    ['no end', '${{ 1'],
    ['an open string', '${{ "a }}'],
    ['an unknown variable', '${{ unknown }}'],
    ['types that do not fit', '${{ 1 + "a" }}'],
    ['reserved words', '${{ loop.round }}'],
    ['regular expressions', '${{ "a".matches("(a+)+$") }}'],
    ['bytes', '${{ b"a".json() }}'],
    ['the clock of other zones', '${{ timestamp("2026-01-01T00:00:00Z") }}'],
    ['an unknown function', '${{ input.foo() }}'],
    ['a very long one', `\${{ ${'1 + '.repeat(2000)}1 }}`],
    ['many parentheses', `\${{ ${'('.repeat(1000)}1${')'.repeat(1000)} }}`],
    ['many operators', `\${{ ${'!'.repeat(3000)}true }}`],
    ['many brackets', `\${{ ${'['.repeat(1000)} }}`],
  ])('refuses %s', (_name, template) => {
    expect(codeOf(() => resolved(template))).toBe('invalid_expression');
  });

  it.each([
    ['a missing key', '${{ input.a.b }}', { a: {} }],
    ['the wrong type', '${{ input.a + 1 }}', { a: 'x' }],
    ['a null in a sum', '${{ input.a + input.b }}', { a: null, b: 1 }],
    ['division by zero', '${{ 1 / 0 }}', {}],
    ['overflow', '${{ 9223372036854775807 + 1 }}', {}],
    ['an object in a text', 'x ${{ input }}', {}],
    ['null in a text', 'x ${{ input.a }}', { a: null }],
    ['an index out of range', '${{ input.l[3] }}', { l: [] }],
    ['a sum of texts', '${{ input.l.sum() }}', { l: ['a'] }],
  ])('fails clearly on %s', (_name, template, input) => {
    expect(codeOf(() => resolved(template, input))).toBe('expression_failed');
  });

  it.each([
    '${{ 1.0 / 0.0 }}',
    '${{ 9007199254740993 }}',
    '${{ int }}',
    '${{ b"abc" }}',
    '${{ 5u }}',
    '${{ google }}',
    '${{ cel }}',
  ])('yields JSON only: %s', (template) => {
    expect(codeOf(() => resolved(template))).toBe('not_json');
  });
});

describe('escapes', () => {
  const names = ['constructor', '__proto__', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'];

  it.each(
    names.flatMap((name) => [
      [`input.${name}`],
      [`input["${name}"]`],
      [`"a".${name}`],
      [`[1].${name}`],
      [`1.0.${name}`],
      [`input.s.${name}`],
      [`input.l["${name}"]`],
    ]),
  )('%s reaches nothing', (source) => {
    expect(['invalid_expression', 'expression_failed']).toContain(
      codeOf(() => resolved(`\${{ ${source} }}`, { s: 'a', l: [1] })),
    );
  });

  it.each(names)('has(input.%s) is false', (name) => {
    expect(resolved(`\${{ has(input.${name}) }}`)).toBe(false);
  });

  it.each(['this', 'globalThis', 'process', 'require', 'Object', 'eval', '__proto__', 'constructor', 'toString'])(
    '%s is no variable',
    (name) => {
      expect(codeOf(() => resolved(`\${{ ${name} }}`))).toBe('invalid_expression');
    },
  );

  it('reads and passes on hostile keys as data', () => {
    const hostile = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": {"prototype": 1}, "list": [{"constructor": 5}]}',
    ) as JsonValue;
    expect(resolved('${{ input }}', hostile)).toEqual(hostile);
    expect(resolved('${{ input["constructor"].prototype }}', hostile)).toBe(1);
    expect(resolved('${{ input.list.map(x, x["constructor"]) }}', hostile)).toEqual([5]);
    expect(resolved('${{ input == input && input.list.size() == 1 }}', hostile)).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('passes on any JSON unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(resolved({ v: '${{ input.v }}', l: '${{ [input.v] }}' }, { v: json })).toEqual({ v: json, l: [json] });
      }),
    );
  });
});

describe('expensive expressions end early', () => {
  const big = Array.from({ length: 5_000 }, (_value, index) => index);
  const text = 'x'.repeat(1_000_000);
  let deep: JsonValue = 1;
  for (let level = 0; level < 20_000; level += 1) deep = [deep];

  it.each<[string, string, JsonValue]>([
    ['lists in lists', 'input.b.map(x, input.b.map(y, input.b.map(z, x)))', { b: big }],
    ['a search in a search', 'input.b.all(x, input.b.exists(y, y == -1.0) || true)', { b: big }],
    ['a comparison in a loop', 'input.b.all(x, input.b == [input.b][0] + [])', { b: big }],
    ['membership in a loop', 'input.b.all(x, !(-1.0 in input.b))', { b: big }],
    ['a scan of a text in a loop', 'input.b.all(x, !input.t.contains("y"))', { b: big, t: text }],
    ['splitting in a loop', 'input.b.all(x, input.t.split("").size() > 0)', { b: big, t: text }],
    ['joining long texts', 'input.b.map(x, input.t).join().size()', { b: big, t: text }],
    ['flattening long lists', 'input.b.map(x, input.b).flatten().size()', { b: big }],
    ['a text that doubles', doubling('input.t', 18), { t: text }],
    ['a list that doubles', doubling('input.b', 18), { b: big }],
    ['a value of shared parts', sharing(17), {}],
    ['a text filled in again and again', 'input.b.map(x, input.t + string(x))', { b: big, t: text }],
  ])('%s', (_name, source, input) => {
    expect(['expression_too_expensive', 'value_too_large']).toContain(
      codeOf(() => resolved(`\${{ ${source} }}`, input)),
    );
  });

  it('survives values that are nested too deeply', () => {
    expect(codeOf(() => resolved('${{ input.d == input.d }}', { d: deep }))).toBe('value_too_deep');
  });

  it('shares one total between the templates of one message', () => {
    const meter = new Meter(1_000);
    const template = parseTemplate('${{ [1, 2, 3].map(x, x * 2).size() }}', []);
    const run = () => resolve(template, {}, meter);
    expect(run()).toBe(3);
    expect(
      codeOf(() => {
        for (let count = 0; count < 1_000; count += 1) run();
      }),
    ).toBe('expression_too_expensive');
  });

  it('pays nothing worth mentioning for ordinary work', () => {
    const passages = Array.from({ length: 200 }, (_value, index) => ({
      chunkId: `c${index % 150}`,
      text: 'word '.repeat(200),
    }));
    const merged = resolved(
      '${{ (input.l.map(x, input.p).flatten() + input.p).distinctBy("chunkId").slice(0, 200) }}',
      { p: passages, l: [1, 2, 3, 4, 5, 6, 7, 8] },
    );
    expect(merged).toHaveLength(150);
  });

  /** `start` added to itself so many times: 2^times of it. */
  function doubling(start: string, times: number): string {
    let source = `x${times}`;
    for (let time = times; time > 0; time -= 1) source = `cel.bind(x${time}, x${time - 1} + x${time - 1}, ${source})`;
    return `cel.bind(x0, ${start}, ${source})`;
  }

  /** A small value in memory, of 2^times elements when written out. */
  function sharing(times: number): string {
    let source = `v${times}`;
    for (let time = times; time > 0; time -= 1) source = `cel.bind(v${time}, [v${time - 1}, v${time - 1}], ${source})`;
    return `cel.bind(v0, [1, 2, 3, 4, 5, 6, 7, 8], ${source})`;
  }
});
