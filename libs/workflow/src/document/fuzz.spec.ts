/** Random documents and texts: whatever they are, they are refused with places or they run, and what is valid stays the same as text. */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue, Violation } from '@millrace/kernel';
import fc from 'fast-check';
import { compileGraph } from '../compile/compile.js';
import { limits } from '../limits.js';
import { randomDocuments } from '../testing/random-documents.js';
import { graphOf, TestRun } from '../testing/test-run.js';
import { digestOf } from './digest.js';
import { parseGraphSource } from './parse-source.js';
import { readGraph, validateGraph } from './validate.js';
import { writeGraphSource } from './write-source.js';

const textOf = (document: JsonObject): string => JSON.stringify(document);

function checkWords(violations: readonly Violation[]): void {
  expect(violations.length).toBeGreaterThan(0);
  expect(violations.length).toBeLessThanOrEqual(limits.violations);
  for (const { pointer, message } of violations) {
    expect(message.length).toBeGreaterThan(0);
    expect(message.length).toBeLessThanOrEqual(limits.messageLength + ' (line 262144)'.length);
    expect(pointer).toMatch(/^(\/|$)/);
  }
}

/** Every mistake has a place in the document, or would have one if a field were there, and words. */
function checkViolations(violations: readonly Violation[], document: unknown): void {
  checkWords(violations);
  for (const { pointer } of violations) {
    const around = pointer.slice(0, Math.max(0, pointer.lastIndexOf('/')));
    if (around !== '' && !pointer.includes('\ufffd'))
      expect({ around, is: typeof valueAt(document, around) }).toEqual({ around, is: 'object' });
  }
}

function valueAt(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[step.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}

/** A document is refused with places, or it compiles, begins a run, and is the same graph after it was written and read. */
function checkDocument(document: JsonObject): 'refused' | 'runs' {
  const validation = validateGraph(document);
  if ('violations' in validation) {
    checkViolations(validation.violations, document);
    return 'refused';
  }
  // What a subgraph means is looked up and written into the graph when it is published.
  if (!JSON.stringify(document).includes('"kind":"subgraph"')) {
    compileGraph(document);
    expect(new TestRun(document).start()[0]?.type).toBe('RunStarted');
  }
  const digest = digestOf(document);
  for (const text of [textOf(document), JSON.stringify(document, null, 2), writeGraphSource(document)]) {
    const read = readGraph(text);
    if ('violations' in read) throw new Error(`${JSON.stringify(read.violations)} in ${text}`);
    expect(digestOf(read.document)).toBe(digest);
    expect(JSON.stringify(validateGraph(read.document))).toBe(JSON.stringify(validation));
  }
  return 'runs';
}

describe('random documents', () => {
  it('of every kind are refused with places, or run and stay the same as text', () => {
    const seen = { refused: 0, runs: 0 };
    fc.assert(
      fc.property(randomDocuments, (document) => void (seen[checkDocument(document)] += 1)),
      { numRuns: 800 },
    );
    expect(seen.refused).toBeGreaterThan(100);
    expect(seen.runs).toBeGreaterThan(10);
  });

  it('of any JSON stay the same as text', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({
        unit: fc.constantFrom(
          '\n',
          ' ',
          '\t',
          '-',
          ':',
          '#',
          "'",
          '"',
          '\u2028',
          '\u0085',
          '\ufeff',
          '|',
          '>',
          '&',
          '*',
          '!',
          '%',
          '@',
          '`',
          '~',
          '0',
          'e',
          '\\',
          '\r',
        ),
      }),
      fc.constantFrom(
        'yes',
        'null',
        '~',
        '1e3',
        '0x1f',
        '0o7',
        '.inf',
        '-',
        '? a',
        '- a',
        '<<',
        '=',
        '2026-01-01',
        'a: b',
        '---',
        '...',
        '!!str a',
      ),
    );
    const values = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        texts,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer(),
        fc.constantFrom(2 ** 53, 2 ** 60, 1e21, -0, 5e-324, true, false, null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(texts, tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(values, (output) => {
        const document = graphOf([{ id: 'a', kind: 'transform', output }]);
        if ('graph' in validateGraph(document)) expect(checkDocument(document)).toBe('runs');
      }),
      { numRuns: 500 },
    );
  });

  it('of any depth are refused', () => {
    const layers = fc.array(fc.constantFrom('list', 'object', 'nodes', 'items'), { minLength: 70, maxLength: 300 });
    fc.assert(
      fc.property(layers, fc.integer({ min: 1, max: 140 }), (kinds, times) => {
        const around = Array.from(
          { length: Math.max(1, Math.min(times, Math.floor(10_000 / kinds.length))) },
          () => kinds,
        ).flat();
        let value: JsonValue = 'x';
        let [head, tail] = ['', ''];
        for (const kind of around) {
          value =
            kind === 'list'
              ? [value]
              : kind === 'nodes'
                ? { id: 'm', kind: 'map', over: [1], nodes: [value] }
                : { [kind]: value };
          head += kind === 'list' ? '[' : `{"${kind}":`;
          tail = (kind === 'list' ? ']' : '}') + tail;
        }
        const validation = validateGraph(graphOf([value]));
        expect(validation).toMatchObject({ violations: [{ message: expect.stringContaining('deeper than') }] });
        for (const text of [`${head}1${tail}`, head, `nodes: ${head}1${tail}`]) {
          expect(parseGraphSource(text)).toMatchObject({
            violations: [{ message: expect.stringContaining('deeper than') }],
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('random texts', () => {
  const sound = writeGraphSource(
    graphOf(
      [
        { id: 'a', kind: 'search', with: { collection: 'docs', query: '${{ input.topic }}' } },
        {
          id: 'b',
          kind: 'map',
          needs: ['a'],
          over: '${{ nodes.a.output.passages }}',
          nodes: [{ id: 'c', kind: 'tool', with: { tool: 'echo' } }],
        },
        {
          id: 'd',
          kind: 'approval',
          needs: ['b'],
          title: 'Go?',
          assignees: ['role:admin'],
          deadline: '1h',
          onTimeout: 'fail',
        },
      ],
      { input: { type: 'object', properties: { topic: { type: 'string' } } } },
    ),
  );
  const pieces = fc.oneof(
    fc.constantFrom(
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
      '---\n',
      '\t',
      '<<: ',
      '\0',
      '\ud800',
      '${{',
      '}}',
      '\u200b',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const edits = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(20),
      put: pieces,
      times: fc.constantFrom(1, 1, 1, 3, 200),
    }),
    { minLength: 1, maxLength: 6 },
  );

  it('made of a sound one are refused with words, or are graphs', () => {
    fc.assert(
      fc.property(edits, fc.constantFrom(sound, JSON.stringify(parseGraphSource(sound))), (changes, from) => {
        const text = changes.reduce((before, { at, cut, put, times }) => {
          const place = Math.floor(at * before.length);
          return before.slice(0, place) + put.repeat(times) + before.slice(place + cut);
        }, from);
        const read = readGraph(text);
        if ('graph' in read) expect(checkDocument(read.document)).toBe('runs');
        else checkWords(read.violations);
      }),
      { numRuns: 800 },
    );
  });
});
