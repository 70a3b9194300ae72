import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { fillAddress } from '../agent/fill-address.js';
import { graphOf } from '../testing/test-run.js';
import { graphJsonSchema, validateGraph } from './validate.js';

const query = { parameters: { type: 'object', required: ['query'], properties: { query: { type: 'string' } } } };
const find = (rest: JsonObject = {}): JsonObject => ({
  ...{ name: 'find', kind: 'search', description: 'Searches.', ...query },
  with: { query: '${{ arguments.query }}', collection: 'guides' },
  ...rest,
});
const request = (url: string, rest: JsonObject = {}, parameters: JsonObject = query.parameters): JsonObject => ({
  ...{ name: 'ask', kind: 'http', description: 'Asks.', parameters, with: { url, ...rest } },
});
const optional = { type: 'object', properties: { query: { type: 'string' } } };
const list = { type: 'object', required: ['query'], properties: { query: { type: 'array' } } };

const flawsOf = (tools: JsonValue, rest: JsonObject = {}) => {
  const document = graphOf([{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' }, tools, ...rest }]);
  const validation = validateGraph(document);
  return 'violations' in validation ? validation.violations : [];
};

describe('the declared tools of an agent', () => {
  it.each<[string, JsonValue]>([
    ['a search', find()],
    ['an address with arguments', request('https://a.example/x/{query}?q={query}')],
    ['an address that begins with an expression', request('${{ input.base }}/x/{query}')],
    ['an approval with its own words', find({ requireApproval: { assignees: ['key:key_1'], deadline: '5m' } })],
    ['a graph that is not pinned yet', { name: 'sub', kind: 'subgraph', graph: 'other@2', description: 'Does it.' }],
    ['no parameters', find({ parameters: { type: 'object' }, with: { query: 'fixed', collection: 'guides' } })],
    ['outputs from before', find({ cache: { ttl: '1h' } })],
  ])('may be %s', (_what, tool) => {
    expect(flawsOf([tool, 'echo'])).toEqual([]);
  });

  it.each<[string, JsonValue, string, RegExp]>([
    ['another kind', find({ kind: 'llm' }), '/kind', /./],
    ['no name', { kind: 'search', description: 'x' }, '/name', /./],
    ['no description', { name: 'find', kind: 'search' }, '/description', /./],
    ['a name that ends the agent', find({ name: 'finish' }), '/name', /how an agent ends/],
    ['the name of a step', find({ name: 'approval' }), '/name', /choose another/],
    ['a name that could be a path', find({ name: 'a.b' }), '/name', /lower-case/],
    ['an unknown field', find({ needs: ['x'] }), '/needs', /no field 'needs'/],
    ['an effect of its own', find({ effect: {} }), '/effect', /no field 'effect'/],
    [
      'an unknown parameter',
      find({ with: { query: '${{ arguments.qurey }}', collection: 'g' } }),
      '/with/query',
      /qurey/,
    ],
    ['a field that its task lacks', find({ with: { query: 'x', colection: 'g' } }), '/with/colection', /collection/],
    [
      'a parameter of another type',
      find({ with: { query: 'x', collection: 'g', limit: '${{ arguments.query }}' } }),
      '/with/limit',
      /number|int/,
    ],
    [
      'a node that it cannot see',
      find({ with: { query: '${{ nodes.later.output }}', collection: 'g' } }),
      '/with/query',
      /no node 'later'/,
    ],
    ['parameters that are no object', find({ parameters: { type: 'string' } }), '/parameters/type', /./],
    [
      'a pattern',
      find({ parameters: { type: 'object', properties: { a: { type: 'string', pattern: '(a+)+' } } } }),
      '/parameters/properties/a/pattern',
      /no field/,
    ],
    [
      'a default that does not fit',
      find({
        parameters: { type: 'object', properties: { query: { type: 'string', default: 1 } }, required: ['query'] },
      }),
      '/parameters/properties/query/default',
      /./,
    ],
    [
      'somebody who is nobody',
      find({ requireApproval: { assignees: ['somebody'] } }),
      '/requireApproval/assignees/0',
      /role:/,
    ],
    [
      'a deadline beyond time',
      find({ requireApproval: { deadline: '999d' } }),
      '/requireApproval/deadline',
      /366 days/,
    ],
    ['a wait beyond time', find({ timeout: { total: '999d' } }), '/timeout/total', /366 days/],
    [
      'limits that contradict each other',
      find({ timeout: { total: '1m', attempt: '2m' } }),
      '/timeout/attempt',
      /longer/,
    ],
    ['a retry of what is permanent', find({ retry: { on: ['invalid'] } }), '/retry/on/0', /permanent/],
    ['a host that is an argument', request('https://{query}.example/'), '/with/url', /host/],
    ['an address that is an argument', request('${{ arguments.query }}'), '/with/url', /may not read `arguments`/],
    [
      'a method that is an argument',
      request('https://a.example/', { method: '${{ arguments.query }}' }),
      '/with/method',
      /may not read/,
    ],
    ['a place without its parameter', request('https://a.example/{other}'), '/with/url', /no parameter 'other'/],
    [
      'a place that may stay empty',
      request('https://a.example/{query}', {}, optional),
      '/with/url',
      /required parameter/,
    ],
    ['a place for a list', request('https://a.example/{query}', {}, list), '/with/url', /required parameter/],
    [
      'a statement that is put together',
      {
        name: 'rows',
        kind: 'database',
        description: 'x',
        ...query,
        with: { source: 's', sql: 'select ${{ arguments.query }}' },
      },
      '/with/sql',
      /as it is/,
    ],
    ['a worker without a time limit', { name: 'own', kind: 'worker', worker: 'w', description: 'x' }, '/timeout', /./],
    ['a graph without a name', { name: 'sub', kind: 'subgraph', graph: 'No Name', description: 'x' }, '/graph', /NAME/],
    [
      'parameters of a graph',
      { name: 'sub', kind: 'subgraph', graph: 'other', description: 'x', ...query },
      '/parameters',
      /no field/,
    ],
  ])('may not have %s, which is said where it stands', (_what, tool, pointer, message) => {
    expect(flawsOf([tool])).toContainEqual({
      pointer: `/nodes/0/tools/0${pointer}`,
      message: expect.stringMatching(message),
    });
  });

  it('are named once, beside those of the toolbox too', () => {
    expect(flawsOf(['find', find()])).toEqual([
      { pointer: '/nodes/0/tools/1/name', message: 'This tool is named twice.' },
    ]);
    expect(flawsOf([find(), find()])).toHaveLength(1);
  });

  it('are no more than an agent may have', () => {
    expect(flawsOf(Array.from({ length: 128 }, (_, index) => find({ name: `t${index}` })))).not.toEqual([]);
  });

  it('stand in the schema for editors', () => {
    const schema = JSON.stringify(graphJsonSchema());
    expect(schema).toContain('requireApproval');
  });
});

describe('an address with places', () => {
  it('keeps its host and its path, whatever fills the places', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom('..', '.', '%2e%2e', '/', '\\', '@evil.example', '?', '#', 'x/../..', '\u0000'),
        ),
        (value) => {
          let filled: string;
          try {
            filled = fillAddress('https://shop.example/orders/{id}/notes?of={id}', { id: value });
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_arguments' });
            return;
          }
          const { origin, pathname, hash, searchParams } = new URL(filled);
          expect([origin, hash]).toEqual(['https://shop.example', '']);
          expect(pathname).toMatch(/^\/orders\/[^/]+\/notes$/);
          expect([...searchParams.keys()]).toEqual(['of']);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each<[string, string, JsonObject]>([
    ['a host', 'https://{id}.example/', { id: 'evil.example/' }],
    ['credentials', 'https://{id}@shop.example/', { id: 'a' }],
    ['what is missing', 'https://shop.example/{id}', {}],
    ['an object', 'https://shop.example/{id}', { id: {} }],
    ['what only its prototype has', 'https://shop.example/{toString}', {}],
  ])('refuses %s', (_what, address, given) => {
    expect(() => fillAddress(address, given)).toThrow(expect.objectContaining({ code: 'invalid_arguments' }));
  });
});
