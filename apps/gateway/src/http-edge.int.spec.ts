import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openApiDocument, type Problem, routeList } from '@millrace/contracts';
import { deferred, eventually } from '@millrace/testing';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { connect } from 'node:net';
import { nestPathOf, routeOf } from './endpoint/endpoint.js';
import { endpoints } from './endpoints.js';
import { TestGateway } from './gateway.fixture.js';
import { ScriptedOrchestrator } from './orchestrator.fixture.js';

let gateway: TestGateway;
let orchestrator: ScriptedOrchestrator;
beforeAll(async () => {
  gateway = await TestGateway.start({ environment: { MILLRACE_HTTP_MAX_IN_FLIGHT: '3' } });
  orchestrator = await new ScriptedOrchestrator(gateway.bus).listen();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

/** Sends bytes as they are, and gives what came back until the server closed. */
async function sendRaw(bytes: string): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect(Number(port), hostname, () => socket.write(bytes));
  socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined);
  socket.on('close', () => resolve(answer));
  return await promise;
}

describe('the routes', () => {
  it('are those of the contracts, all of them and no other', () => {
    expect(endpoints.map((endpoint) => routeOf(endpoint)?.name).sort()).toEqual(
      routeList.map(({ name }) => name).sort(),
    );
    const fastify = gateway.service.get<HttpAdapterHost>(HttpAdapterHost).httpAdapter.getInstance<FastifyInstance>();
    const served = [...fastify.printRoutes({ commonPrefix: false }).matchAll(/(\/\S*) \(([^)]*)\)/g)];
    const count = served.flatMap(([, , methods = '']) => methods.split(', ')).filter((method) => method !== 'HEAD');
    expect(count).toHaveLength(routeList.length);
    for (const { method, path } of routeList) {
      expect([path, fastify.hasRoute({ method, url: nestPathOf(path) })]).toEqual([path, true]);
    }
  });

  it('describe themselves, to anybody', async () => {
    const response = await gateway.call('/openapi.json', { key: null });
    expect(await response.json()).toEqual(openApiDocument());
  });

  it('answer probes', async () => {
    expect(await (await gateway.call('/healthz', { key: null })).json()).toEqual({ status: 'ok', problems: [] });
    expect((await gateway.call('/readyz', { key: null })).status).toBe(200);
  });

  it('give 404 for an address that is none, and 405 with the methods of one that is', async () => {
    expect(await gateway.refusal('/v2/runs')).toMatchObject({ status: 404, code: 'unknown_route' });
    expect(await gateway.refusal('/v1/runs/')).toMatchObject({ status: 404, code: 'unknown_route' });
    const refusal = await gateway.refusal('/v1/runs', { method: 'PUT' });
    expect(refusal).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(refusal.headers.get('allow')).toBe('POST, GET');
  });
});

describe('every answer', () => {
  it('carries the security headers and the correlation id, and lets no origin in', async () => {
    const headers = { origin: 'https://elsewhere.example', 'x-correlation-id': 'abc-123' };
    for (const path of ['/healthz', '/v1/runs', '/nowhere']) {
      const response = await gateway.call(path, { key: null, headers });
      await response.text();
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-correlation-id')).toBe('abc-123');
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect(await gateway.refusal('/nowhere', { headers })).toMatchObject({ correlationId: 'abc-123' });
  });
});

describe('a body', () => {
  const json = { 'content-type': 'application/json' };
  const refusals: [string, { body: string; headers?: Record<string, string> }, Partial<Problem>][] = [
    ['that is no JSON', { body: '{"graph": ', headers: json }, { status: 400, code: 'malformed_json' }],
    ['that is missing', { body: '', headers: json }, { status: 400, code: 'invalid_body' }],
    [
      'of another media type',
      { body: 'a', headers: { 'content-type': 'text/csv' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'of no media type at all',
      { body: '{}', headers: { 'content-type': ';' } },
      { status: 415, code: 'unsupported_media_type' },
    ],
    [
      'that nests too deep',
      { body: `{"graph":"a","input":{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`, headers: json },
      { status: 400, code: 'json_too_deep' },
    ],
    [
      'that names the prototype',
      { body: '{"graph":"a","input":{"__proto__":{"admin":true}}}', headers: json },
      { status: 400, code: 'forbidden_property' },
    ],
    [
      'over a megabyte',
      { body: JSON.stringify({ graph: 'a', input: { x: 'x'.repeat(1_100_000) } }), headers: json },
      { status: 413, code: 'body_too_large' },
    ],
    ['of the wrong types', { body: '{"graph": 7, "input": []}', headers: json }, { status: 400, code: 'invalid_body' }],
    [
      'with a field too many',
      { body: '{"graph": "content", "inptu": {}}', headers: json },
      { status: 400, code: 'invalid_body', errors: [{ pointer: '/inptu', message: 'is not a known field' }] },
    ],
    [
      'with a graph that is no name',
      { body: '{"graph": "../../etc"}', headers: json },
      {
        status: 400,
        code: 'invalid_body',
        errors: [{ pointer: '/graph', message: 'must be NAME, NAME@VERSION or NAME@ALIAS' }],
      },
    ],
  ];
  it.each(refusals)('%s is refused', async (_, sent, expected) => {
    expect(await gateway.refusal('/v1/runs', { method: 'POST', ...sent })).toMatchObject(expected);
  });

  it.each([
    ['', 'The body of the request has mistakes: it is missing.'],
    ['[]', 'The body of the request has mistakes: it must be an object, not an array.'],
    ['null', 'The body of the request has mistakes: it must be an object, not null.'],
    ['{}', 'The body of the request has mistakes: /graph: is missing.'],
    [
      '{"graph": "content", "input": "x"}',
      'The body of the request has mistakes: /input: must be an object, not a string.',
    ],
  ])('of %j is refused in words that read well', async (body, detail) => {
    expect(await gateway.refusal('/v1/runs', { method: 'POST', body, headers: json })).toMatchObject({ detail });
  });

  it.each([
    ['\u0000', 'U+0000'],
    ['\ud83d', 'surrogate'],
  ])('with the text %j is refused with its place', async (reason, word) => {
    const path = `/v1/runs/run_${'0'.repeat(32)}/cancel`;
    const refusal = await gateway.refusal(path, { body: { reason: `enough ${reason}` } });
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_body' });
    expect(refusal.errors).toEqual([{ pointer: '/reason', message: expect.stringContaining(word) }]);
  });

  it('that is not UTF-8 is refused', async () => {
    const body = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
    expect(await gateway.refusal('/v1/runs', { method: 'POST', body, headers: json })).toMatchObject({
      status: 400,
      code: 'invalid_encoding',
    });
  });

  it('is not read for a caller without a key', async () => {
    const refusal = await gateway.refusal('/v1/runs', { method: 'POST', key: null, body: '{', headers: json });
    expect(refusal).toMatchObject({ status: 401 });
  });

  it('that is cut midway harms nobody', async () => {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const head = [
      'POST /v1/runs HTTP/1.1',
      'host: x',
      `x-api-key: ${gateway.keys.editor.secret}`,
      'content-length: 1000',
    ];
    socket.write(`${head.join('\r\n')}\r\ncontent-type: application/json\r\n\r\n{"graph"`);
    socket.on('error', () => undefined);
    await eventually(() => socket.bytesWritten > 0);
    socket.destroy();
    expect((await gateway.call('/v1/runs', { body: { graph: 'content' } })).status).toBe(202);
  });
});

describe('an address', () => {
  it.each([
    ['/v1/runs/not-a-run', 'invalid_path', '/id'],
    ['/v1/collections/%2e%2e%2f%2e%2e%2fetc/documents', 'invalid_path', '/name'],
    ['/v1/collections/..%5c..%5cetc/documents', 'invalid_path', '/name'],
    ['/v1/graphs/UPPER', 'invalid_path', '/name'],
    ['/v1/graphs/content?version=0', 'invalid_query', '/version'],
    ['/v1/graphs/content?version=one', 'invalid_query', '/version'],
    ['/v1/runs?limit=1000', 'invalid_query', '/limit'],
    ['/v1/runs?limit=5&limit=6', 'invalid_query', '/limit'],
    ['/v1/runs?stauts=failed', 'invalid_query', '/stauts'],
    ['/v1/runs?status=sleeping', 'invalid_query', '/status'],
  ])('%s is refused with the place of its mistake', async (path, code, pointer) => {
    expect(await gateway.refusal(path)).toMatchObject({ status: 400, code, errors: [{ pointer }] });
  });

  it.each([
    ['/v1/runs/%zz', 400],
    [`/v1/graphs/${'x'.repeat(500)}`, 414],
    [`/v1/graphs/${'x'.repeat(90)}`, 400],
  ])('%s is refused before any route', async (path, status) => {
    expect(await gateway.refusal(path)).toMatchObject({ status });
  });
});

describe('requests that are hardly HTTP', () => {
  it.each([
    [
      'headers that are too large',
      `GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: ${'x'.repeat(40_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['bytes that are no HTTP', '\u0016\u0003\u0001hello\r\n\r\n', 400, 'malformed_request'],
    [
      'two lengths',
      'POST /v1/runs HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na',
      400,
      'malformed_request',
    ],
  ])('%s get problem details and the door', async (_, bytes, status, code) => {
    const [head = '', body = ''] = (await sendRaw(bytes)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status}`);
    expect(JSON.parse(body)).toMatchObject({ status, code });
  });
});

describe('a full server', () => {
  it('says so, still answers probes, and recovers', async () => {
    const gate = deferred<void>();
    orchestrator.beforeStart = () => gate.promise;
    const before = orchestrator.starts.length;
    const held = [1, 2, 3].map(() => gateway.call('/v1/runs', { body: { graph: 'content' } }));
    await eventually(() => orchestrator.starts.length === before + 3);
    const refusal = await gateway.refusal('/v1/runs');
    expect(refusal).toMatchObject({ status: 503, code: 'server_busy' });
    expect(refusal.headers.get('retry-after')).toBe('1');
    expect((await gateway.call('/healthz', { key: null })).status).toBe(200);
    gate.resolve();
    orchestrator.beforeStart = undefined;
    await Promise.all(held);
    await eventually(async () => (await gateway.call('/v1/runs', { body: { graph: 'content' } })).status === 202);
  });
});

describe('a service that is not there', () => {
  it('gives 503 with the time to wait, and says nothing of the bus', async () => {
    const refusal = await gateway.refusal('/v1/collections');
    expect(refusal).toMatchObject({ status: 503, code: 'service_unavailable' });
    expect(refusal.headers.get('retry-after')).toBe('2');
    expect(refusal.detail).not.toMatch(/nats|subject|cmd\./i);
  });
});
