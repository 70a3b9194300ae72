/** Bodies that nobody should send, to the whole system: each is refused with a code and a place, and nothing of it is stored. */
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from '@jest/globals';
import type { Problem, Schedule } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { eventually, rowsOf } from '@millrace/testing';
import { connect, type Socket } from 'node:net';
import { TestSystem } from './host/system.fixture.js';

let system: TestSystem;
let editor: string;
/** One that a schedule may name and hostile inputs may be for. */
const sound = { ...graphOf([{ id: 'a', kind: 'transform', output: '${{ input }}' }]), metadata: { name: 'sound' } };
beforeAll(async () => {
  system = await TestSystem.start();
  editor = await system.key('acme', 'editor');
  await system.call('/v1/graphs', editor, sound);
}, 180_000);
afterAll(() => system[Symbol.asyncDispose]());

let before: Readonly<Record<string, number>>;
beforeEach(async () => {
  before = await rowsOf(system.backend, 'acme');
});
/** Whatever a test of this file sends, nothing of it is stored, and the system goes on. */
afterEach(async () => {
  expect(await rowsOf(system.backend, 'acme')).toEqual(before);
  expect((await system.raw('/v1/graphs/sound', editor)).status).toBe(200);
});

function graphOf(nodes: JsonValue[], rest: JsonObject = {}): JsonObject {
  return { apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'hostile' }, nodes, ...rest };
}

const tool = (id: string, rest: JsonObject = {}): JsonObject => ({ id, kind: 'tool', with: { tool: 'echo' }, ...rest });
const echo = (value: JsonValue): JsonObject => tool('a', { with: { tool: 'echo', arguments: { value } } });
const json = (nodes: JsonValue[], rest: JsonObject = {}): string => JSON.stringify(graphOf(nodes, rest));
const deep = 10_000;

/** The body, and what is said: the status and the code, the first pointer, and words of it. */
type Case = [name: string, body: () => string, status: number, code: string, pointer: string, words: string];

const graphs: Case[] = [
  ['10 MB', () => json([echo('x'.repeat(10_000_000))]), 413, 'body_too_large', '', ''],
  [
    '100,000 nodes',
    () => json(Array.from({ length: 100_000 }, (_node, index) => tool(`n${index}`))),
    413,
    'body_too_large',
    '',
    '',
  ],
  [
    '5,000 nodes',
    () => json(Array.from({ length: 5_000 }, (_node, index) => ({ id: `n${index}`, kind: 'emit', event: 'x' }))),
    400,
    'invalid_graph',
    '/nodes',
    'at most 1000 nodes',
  ],
  [
    'JSON 10,000 deep',
    () => `{"nodes":${'['.repeat(deep)}${']'.repeat(deep)}}`,
    400,
    'invalid_graph',
    '',
    'deeper than 64 levels',
  ],
  ['YAML 10,000 deep', () => `nodes:\n${'- '.repeat(deep)}x`, 400, 'invalid_graph', '', 'deeper than 64 levels'],
  [
    'anchors that explode',
    () =>
      [
        'a: &a [x, x, x, x, x, x, x, x, x]',
        ...['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map(
          ([of = '', to = '']) => `${to}: &${to} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]`,
        ),
      ].join('\n'),
    400,
    'invalid_graph',
    '',
    'Too many aliases',
  ],
  [
    'thousands of aliases',
    () => Array.from({ length: 9_000 }, (_line, index) => `- &a${index} x\n- *a${index}`).join('\n'),
    400,
    'invalid_graph',
    '',
    'more than 500 aliases',
  ],
  ['a key twice', () => '{"nodes": [{"id": "a", "id": "b"}]}', 400, 'invalid_graph', '/nodes/0/id', 'stands twice'],
  ['a Cyrillic id', () => json([tool('\u0430')]), 400, 'invalid_graph', '/nodes/0/id', 'U+0430'],
  ['an id with a letter without width', () => json([tool('a\u200b')]), 400, 'invalid_graph', '/nodes/0/id', 'U+200B'],
  ['a composed id', () => json([tool('caf\u00e9')]), 400, 'invalid_graph', '/nodes/0/id', 'U+00E9'],
  ['a decomposed id', () => json([tool('cafe\u0301')]), 400, 'invalid_graph', '/nodes/0/id', 'U+0301'],
  [
    'an expression of 1 MB',
    () => json([echo(`\${{ ${'1+'.repeat(500_000)}1 }}`)]),
    400,
    'invalid_graph',
    '',
    'longer than 262144',
  ],
  [
    'an expression of 200,000 characters',
    () => json([echo(`\${{ ${'1+'.repeat(100_000)}1 }}`)]),
    400,
    'invalid_graph',
    '/nodes/0/with/arguments/value',
    'longer than 4000',
  ],
  [
    'attempts below nothing',
    () => json([tool('a', { retry: { maxAttempts: -1 } })]),
    400,
    'invalid_graph',
    '/nodes/0/retry/maxAttempts',
    '>=1',
  ],
  [
    'a duration of a million years',
    () => json([tool('a', { timeout: { total: '999999999d' } })]),
    400,
    'invalid_graph',
    '/nodes/0/timeout/total',
    'longer than 366 days',
  ],
  ['a number beyond all numbers', () => '{"apiVersion": 1e400}', 400, 'invalid_graph', '/apiVersion', 'too large'],
  [
    'a number that would change',
    () => '{"apiVersion": 9007199254740993}',
    400,
    'invalid_graph',
    '/apiVersion',
    'beyond 2^53',
  ],
  ['U+0000', () => json([echo('a\0b')]), 400, 'invalid_graph', '/nodes/0/with/arguments/value', 'U+0000'],
  ['half of a surrogate pair', () => '{"nodes": ["\\ud800"]}', 400, 'invalid_graph', '/nodes/0', 'surrogate'],
  [
    '__proto__',
    () => '{"metadata": {"__proto__": {"name": "x"}}}',
    400,
    'invalid_graph',
    '/metadata/__proto__',
    'not allowed',
  ],
  [
    'constructor',
    () => json([echo({ constructor: 1 })]),
    400,
    'invalid_graph',
    '/nodes/0/with/arguments/value/constructor',
    'not allowed',
  ],
  [
    'thousands of mistakes under a long key',
    () => json([echo({ ['k'.repeat(200_000)]: Array.from({ length: 4_000 }, () => '${{') })]),
    400,
    'invalid_graph',
    '/nodes/0/with/arguments/value',
    'longer than 2000',
  ],
];

/** Sends a body, and checks that its refusal is small and whole. */
async function refused(path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Problem> {
  const response = await system.raw(path, editor, body, headers);
  const text = await response.text();
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(text.length).toBeLessThan(50_000);
  expect(text).not.toMatch(/node_modules|\n {4}at /);
  const problem = JSON.parse(text) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

describe('a graph', () => {
  it.each(graphs)('of %s is not published', async (_name, body, status, code, pointer, words) => {
    const problem = await refused('/v1/graphs', body(), { 'content-type': 'text/yaml' });
    expect(problem).toMatchObject({ status, code });
    if (code !== 'invalid_graph') return;
    expect(problem.errors[0]).toMatchObject({
      pointer: expect.stringContaining(pointer),
      message: expect.stringContaining(words),
    });
  });

  it.each(graphs.filter(([, , status]) => status === 400))(
    'of %s is not valid',
    async (_name, body, _status, _code, pointer, words) => {
      const answer = await system.call<{ valid: boolean; violations: Problem['errors'] }>(
        '/v1/graphs/validate',
        editor,
        body(),
        {
          'content-type': 'text/yaml',
        },
      );
      expect(answer).toMatchObject({ status: 200, body: { valid: false } });
      expect(answer.body.violations[0]).toMatchObject({
        pointer: expect.stringContaining(pointer),
        message: expect.stringContaining(words),
      });
    },
  );
});

describe('a run', () => {
  const inline = (nodes: JsonValue[], rest: JsonObject = {}): string => JSON.stringify({ graph: graphOf(nodes, rest) });
  const withInput = (input: string): string => `{"graph": "sound", "input": ${input}}`;

  const runs: Case[] = [
    ['a graph of 10 MB', () => inline([echo('x'.repeat(10_000_000))]), 413, 'body_too_large', '', ''],
    [
      'a graph of 300,000 characters',
      () => inline([echo('x'.repeat(300_000))]),
      400,
      'invalid_graph',
      '',
      'longer than 262144',
    ],
    [
      'a graph of 5,000 nodes',
      () => inline(Array.from({ length: 5_000 }, (_node, index) => tool(`n${index}`))),
      400,
      'invalid_graph',
      '',
      'at most 1000 nodes',
    ],
    [
      'a graph 90 deep',
      () => inline([]).replace('[]', `${'['.repeat(90)}${']'.repeat(90)}`),
      400,
      'invalid_graph',
      '/nodes/0/0',
      'deeper than 64 levels',
    ],
    [
      'a graph 10,000 deep',
      () => `{"graph": ${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`,
      400,
      'json_too_deep',
      '',
      '',
    ],
    ['a graph with a Cyrillic id', () => inline([tool('\u0430')]), 400, 'invalid_graph', '/nodes/0/id', 'U+0430'],
    [
      'a graph with attempts below nothing',
      () => inline([tool('a', { retry: { maxAttempts: -1 } })]),
      400,
      'invalid_graph',
      '/nodes/0/retry/maxAttempts',
      '>=1',
    ],
    [
      'a graph with constructor',
      () => inline([echo({ constructor: 1 })]),
      400,
      'invalid_graph',
      '/nodes/0/with/arguments/value/constructor',
      'not allowed',
    ],
    ['a graph with __proto__', () => '{"graph": {"__proto__": {"kind": "Graph"}}}', 400, 'forbidden_property', '', ''],
    ['an input with __proto__', () => withInput('{"__proto__": {"admin": true}}'), 400, 'forbidden_property', '', ''],
    ['an input with U+0000', () => withInput('{"text": "a\\u0000"}'), 400, 'invalid_body', '/input/text', 'U+0000'],
    [
      'an input with half of a surrogate pair',
      () => withInput('{"text": "\\ud83d"}'),
      400,
      'invalid_body',
      '/input/text',
      'surrogate',
    ],
    [
      'an input with half of a pair in a key',
      () => withInput('{"\\udc00": 1}'),
      400,
      'invalid_body',
      '/input/',
      'surrogate',
    ],
    [
      'an input 10,000 deep',
      () => withInput(`{"a": ${'['.repeat(deep)}${']'.repeat(deep)}}`),
      400,
      'json_too_deep',
      '',
      '',
    ],
    ['an input with a number beyond all', () => withInput('{"n": 1e400}'), 400, 'invalid_body', '/input/n', ''],
    [
      'an input of 2 MB',
      () => withInput(JSON.stringify({ text: 'x'.repeat(2_000_000) })),
      413,
      'body_too_large',
      '',
      '',
    ],
    ['a version below nothing', () => '{"graph": "sound@-1"}', 400, 'invalid_body', '/graph', 'NAME@VERSION'],
    [
      'a version of a hundred digits',
      () => `{"graph": "sound@${'9'.repeat(100)}"}`,
      400,
      'invalid_body',
      '/graph',
      'NAME@VERSION',
    ],
    ['a name that looks like a graph', () => '{"graph": "s\u043eund"}', 400, 'invalid_body', '/graph', 'NAME'],
    ['half a body', () => '{"graph": "sound", "input": {', 400, 'malformed_json', '', ''],
  ];

  it.each(runs)('is not started with %s', async (_name, body, status, code, pointer, words) => {
    const problem = await refused('/v1/runs', body());
    expect(problem).toMatchObject({ status, code });
    if (pointer === '' && words === '') return;
    expect(problem.errors[0]).toMatchObject({
      pointer: expect.stringContaining(pointer),
      message: expect.stringContaining(words),
    });
  });
});

describe('a schedule', () => {
  const spec = (changes: JsonObject): string => JSON.stringify({ graph: 'sound', cron: '0 9 * * *', ...changes });
  const schedules: [name: string, body: string, code: string, pointer: string][] = [
    ['the 30th of February', spec({ cron: '0 0 30 2 *' }), 'invalid_schedule', '/cron'],
    ['the 31st of every short month', spec({ cron: '0 0 31 4,6,9,11 *' }), 'invalid_schedule', '/cron'],
    ['minute 60', spec({ cron: '60 * * * *' }), 'invalid_schedule', '/cron'],
    ['steps of nothing', spec({ cron: '*/0 * * * *' }), 'invalid_schedule', '/cron'],
    ['steps below nothing', spec({ cron: '*/-5 * * * *' }), 'invalid_schedule', '/cron'],
    ['a range that goes back', spec({ cron: '30-10 * * * *' }), 'invalid_schedule', '/cron'],
    ['digits of another script', spec({ cron: '\u0661 * * * *' }), 'invalid_schedule', '/cron'],
    ['a huge minute', spec({ cron: `${'9'.repeat(150)} * * * *` }), 'invalid_schedule', '/cron'],
    ['a long expression', spec({ cron: '1,'.repeat(200) + '1 * * * *' }), 'invalid_body', '/cron'],
    ['seconds', spec({ cron: '* * * * * *' }), 'invalid_schedule', '/cron'],
    ['U+0000', spec({ cron: '* * * * *\0' }), 'invalid_body', '/cron'],
    ['an unknown zone', spec({ timeZone: 'Mars/Olympus' }), 'invalid_schedule', '/timeZone'],
    ['a zone that is a path', spec({ timeZone: '../../etc/passwd' }), 'invalid_schedule', '/timeZone'],
    ['a zone that looks like one', spec({ timeZone: 'Europe/B\u0435rlin' }), 'invalid_schedule', '/timeZone'],
    ['an unknown overlap', spec({ overlap: 'all' }), 'invalid_body', '/overlap'],
    ['a graph that is none', spec({ graph: 'S O' }), 'invalid_body', '/graph'],
    ['half a body', '{"graph": "sound", "cron": "0 9', 'malformed_json', ''],
  ];

  it.each(schedules)('is not made of %s', async (_name, body, code, pointer) => {
    const problem = await refused('/v1/schedules', body);
    expect(problem).toMatchObject({ status: 400, code });
    if (pointer !== '') expect(problem.errors[0]).toMatchObject({ pointer, message: expect.stringMatching(/./) });
  });
});

describe('half of a body', () => {
  const paths: [path: string, mediaType: string][] = [
    ['/v1/graphs', 'application/yaml'],
    ['/v1/runs', 'application/json'],
    ['/v1/schedules', 'application/json'],
    ['/v1/events', 'application/cloudevents+json'],
    ['/v1/collections', 'application/json'],
    ['/v1/collections/docs/documents', 'multipart/form-data; boundary=x'],
  ];
  /** The first part of what, whole, would be a document, a run, a schedule or a file. */
  const half = (mediaType: string): string =>
    mediaType.startsWith('multipart')
      ? '--x\r\ncontent-disposition: form-data; name="file"; filename="a.md"\r\ncontent-type: text/markdown\r\n\r\n# Half'
      : '{"graph": "sound", "name": "half", "cron": "* * * * *"';

  function open(path: string, mediaType: string, length: string): Socket {
    const { hostname, port } = new URL(system.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    const head = [
      `POST ${path} HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${editor}`,
      `content-type: ${mediaType}`,
      length,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    return socket;
  }

  it.each(paths)('to %s is not taken for a whole one when the caller goes away', async (path, mediaType) => {
    const socket = open(path, mediaType, 'content-length: 5000');
    socket.write(half(mediaType));
    await eventually(() => socket.bytesWritten > 200);
    socket.destroy();
  });

  it.each(paths)('to %s is not taken for a whole one when nothing follows', async (path, mediaType) => {
    const socket = open(path, mediaType, 'content-length: 5000');
    const answer = answerOf(socket);
    socket.end(half(mediaType));
    expect(await answer).not.toMatch(/^HTTP\/1\.1 2/);
  });

  it.each(paths)('to %s is not taken for a whole one when its last chunk is missing', async (path, mediaType) => {
    const socket = open(path, mediaType, 'transfer-encoding: chunked');
    const answer = answerOf(socket);
    const piece = half(mediaType);
    socket.end(`${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`);
    expect(await answer).not.toMatch(/^HTTP\/1\.1 2/);
  });

  it.each(paths)('to %s is refused where a chunk is none', async (path, mediaType) => {
    const socket = open(path, mediaType, 'transfer-encoding: chunked');
    const answer = answerOf(socket);
    socket.write('zz\r\nhello\r\n');
    expect(await answer).toMatch(/^(HTTP\/1\.1 4.*)?$/m);
  });

  function answerOf(socket: Socket): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    socket.on('data', (piece: Buffer) => (text += piece.toString()));
    socket.on('close', () => resolve(text));
    return promise;
  }
});

describe('a schedule that is there', () => {
  let schedule: Schedule;
  beforeAll(async () => {
    const answer = await system.call<Schedule>('/v1/schedules', editor, {
      graph: 'sound',
      cron: '0 0 1 1 *',
      paused: true,
    });
    schedule = answer.body;
  });

  it.each([
    ['cron', '0 0 30 2 *'],
    ['timeZone', 'Mars/Olympus'],
    ['cron', ''],
  ])('does not change its %s to %j', async (field, value) => {
    const response = await fetch(`${system.url}/v1/schedules/${schedule.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${editor}`, 'content-type': 'application/json' },
      body: JSON.stringify({ [field]: value }),
    });
    expect(await response.json()).toMatchObject({ status: 400, errors: [{ pointer: `/${field}` }] });
    expect((await system.call(`/v1/schedules/${schedule.id}`, editor)).body).toEqual(schedule);
  });
});
