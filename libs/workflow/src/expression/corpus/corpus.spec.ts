/**
 * The cases beside this file: what tries to get out of an expression, and what tries to keep it busy. Nothing runs code,
 * reaches a prototype, or does more than the bounds allow; each refusal says why. A case is a source, an `input`, and what
 * comes of it: `value`, or one of the codes of `refused`.
 */
import { beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { limits } from '../../limits.js';
import { Meter } from '../meter.js';
import { parseTemplate, resolve } from '../template.js';
import { toCel } from '../values.js';

interface Case {
  readonly name: string;
  readonly source: string | { readonly [how: string]: JsonValue };
  readonly input?: JsonValue;
  readonly value?: JsonValue;
  readonly refused?: readonly string[];
}

const casesIn = (file: string): Case[] => JSON.parse(readFileSync(`${import.meta.dirname}/${file}`, 'utf8')) as Case[];

/** What a case writes in short: `$numbers` n, `$text` [part, times], `$texts` [text, n], `$parts` [part, times, …], `$nest` [open, inside, close, levels]. */
function unfolded(value: unknown): JsonValue {
  if (typeof value !== 'object' || value === null) return value as JsonValue;
  if (Array.isArray(value)) return value.map(unfolded);
  const { $numbers, $text, $texts, $parts, $nest, around = ['', ''] } = value as Record<string, (string | number)[]>;
  if ($numbers !== undefined) return Array.from({ length: Number($numbers) }, (_number, index) => index);
  if ($text) return repeated($text);
  if ($texts) return Array.from({ length: Number($texts[1]) }, () => String($texts[0]));
  if ($parts) return repeated($parts);
  if ($nest) return `${around[0] ?? ''}${nested($nest)}${around[1] ?? ''}`;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, unfolded(field)]));
}

const repeated = (parts: readonly (string | number)[]): string =>
  parts.map((part, index) => (index % 2 === 0 ? String(part).repeat(Number(parts[index + 1])) : '')).join('');

/** `{n}` is the number of the level from outside, `{n-1}` the one around it, `{0}` the innermost. */
function nested([open = '', inside = '', close = '', levels = 0]: readonly (string | number)[]): string {
  const numbers = Array.from({ length: Number(levels) }, (_level, index) => index + 1);
  const opened = numbers.map((n) =>
    String(open)
      .replaceAll('{n}', String(n))
      .replaceAll('{n-1}', String(n - 1)),
  );
  return opened.join('') + String(inside).replaceAll('{0}', String(levels)) + String(close).repeat(numbers.length);
}

/** What an expression yields, or the refusal. Whatever else is thrown is a failure of the test. */
function outcomeOf(source: string, input: JsonValue = {}): { value: JsonValue } | { refusal: MillraceError } {
  const variables = Object.assign(Object.create(null) as Record<string, unknown>, { input: toCel(input) });
  try {
    return { value: resolve(parseTemplate(`\${{ ${source} }}`, ['input']), variables, new Meter()) };
  } catch (error) {
    if (error instanceof MillraceError) return { refusal: error };
    throw error;
  }
}

function check({ source, input = {}, value, refused }: Case): void {
  const given = unfolded(input);
  const text = JSON.stringify(given).slice(0, 1_000);
  const outcome = outcomeOf(unfolded(source) as string, given);
  if ('value' in outcome) {
    expect(outcome).toEqual({ value });
  } else {
    expect(refused).toContain(outcome.refusal.code);
    expect(outcome.refusal.message).toMatch(/\S{3,}/);
    expect(outcome.refusal.message.length).toBeLessThan(1_000);
  }
  expect(JSON.stringify(given).slice(0, 1_000)).toBe(text);
}

const prototypes = [
  Object.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  Function.prototype,
  Map.prototype,
];
const shapeOf = () => prototypes.map((prototype) => Object.getOwnPropertyNames(prototype).sort().join());

/** Nothing that the cases say has run, and nothing of the language is changed. */
function nothingEscaped(shape: readonly string[]): void {
  expect(Object.hasOwn(globalThis, 'escaped')).toBe(false);
  expect(shapeOf()).toEqual(shape);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
}

describe('escapes', () => {
  const shape = shapeOf();
  afterAll(() => nothingEscaped(shape));

  it.each(casesIn('escapes.json'))('$name', check);
});

/** The largest work that the language itself was asked to do in one call: characters compared, or made. */
class NativeWork {
  compared = 0;
  made = 0;
  readonly #restore: (() => void)[] = [];

  watch(): void {
    const search = (name: 'includes' | 'indexOf' | 'lastIndexOf' | 'split') => {
      this.#wrap(String.prototype, name, (text, sought) => {
        if (typeof sought === 'string') this.compared = Math.max(this.compared, String(text).length * sought.length);
      });
    };
    (['includes', 'indexOf', 'lastIndexOf', 'split'] as const).forEach(search);
    this.#wrap(Array.prototype, 'join', (list, separator) => {
      const elements = list as unknown[];
      const between = typeof separator === 'string' ? separator.length * elements.length : 0;
      this.made = Math.max(
        this.made,
        between + elements.reduce<number>((sum, part) => sum + (typeof part === 'string' ? part.length : 0), 0),
      );
    });
  }

  stop(): void {
    for (const restore of this.#restore) restore();
  }

  #wrap(prototype: object, name: string, see: (self: unknown, argument: unknown) => void): void {
    const methods = prototype as Record<string, (...given: unknown[]) => unknown>;
    const original = methods[name];
    if (!original) return;
    let isSeeing = false;
    methods[name] = function (this: unknown, ...given: unknown[]) {
      if (!isSeeing) {
        isSeeing = true;
        see(this, given[0]);
        isSeeing = false;
      }
      return original.apply(this, given);
    };
    this.#restore.push(() => (methods[name] = original));
  }
}

describe('expensive expressions', () => {
  const work = new NativeWork();
  beforeAll(() => work.watch());
  afterAll(() => {
    work.stop();
    expect(work.compared).toBeLessThanOrEqual(128 * limits.templateCost);
    // A text of many parts is bounded before it is made.
    expect(work.made).toBeLessThanOrEqual(limits.textLength + 1);
  });

  it.each(casesIn('expensive.json'))('$name', check);

  it('a search costs what it may compare', () => {
    const costOf = (length: number, sought: number): number => {
      let spent = 0;
      const meter = new Meter();
      const spend = meter.spend.bind(meter);
      meter.spend = (units) => {
        spent += units;
        spend(units);
      };
      const input = toCel({ t: 'x'.repeat(length), p: 'y'.repeat(sought) });
      const variables = Object.assign(Object.create(null) as Record<string, unknown>, { input });
      resolve(parseTemplate('${{ input.t.contains(input.p) }}', ['input']), variables, meter);
      return spent;
    };
    expect(costOf(10_000, 1_000) - costOf(10_000, 500)).toBeGreaterThan((10_000 * 500) / 128);
    expect(costOf(10_000, 10)).toBeLessThan(2_500);
  });
});

describe('any text whatever', () => {
  const words = fc.constantFrom(
    ...[
      'input',
      'input.a',
      'input.l',
      '.',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '+',
      '-',
      '*',
      '/',
      '%',
      '==',
      '<',
      '&&',
      '||',
      '!',
      '?',
      ':',
      ',',
      '"a"',
      "'b'",
      '1',
      '2.5',
      '3u',
      'true',
      'null',
    ],
    ...[
      'constructor',
      '__proto__',
      'prototype',
      'toString',
      'this',
      'size',
      'map',
      'filter',
      'all',
      'has',
      'cel.bind',
      'type',
      'dyn',
      'optional.of',
      'in',
      'x',
      '.map(x, x)',
      '.?a',
      '[?0]',
      '.join()',
      '.flatten()',
    ],
    ...['\u0000', '\ud800', '\u200b', '\\', '`', '${{', '}}', '\n', '//', '"""', "r'"],
  );
  const sources = fc.array(fc.oneof({ weight: 9, arbitrary: words }, fc.string({ maxLength: 3 })), { maxLength: 25 });
  const shape = shapeOf();
  afterAll(() => nothingEscaped(shape));

  it('is refused, fails, or yields JSON', () => {
    fc.assert(
      fc.property(sources, fc.constantFrom('', ' '), (parts, between) => {
        const outcome = outcomeOf(parts.join(between), { a: { toString: 1, constructor: 2 }, l: [1, 'a', null] });
        if ('value' in outcome) expect(JSON.parse(JSON.stringify(outcome.value))).toEqual(outcome.value);
        else expect(outcome.refusal.kind).toMatch(/^(invalid|too-large)$/);
      }),
      { numRuns: 3_000 },
    );
  });
});
