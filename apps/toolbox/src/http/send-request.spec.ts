/** Requests of graphs, against a real server that need not be friendly. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { envelopeOf, httpTask, type TaskData, type TaskOutcome, type TaskResult } from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { createInProcessBus, type MessageBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { eventually } from '@millrace/testing';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toolboxService } from '../index.js';

const replyTo = 'result.1.v1';
let bus: MessageBus;
let service: RunningService;
let server: Server;
let results: TaskResult[];
let errors: string[];
let asked: { method: string | undefined; headers: IncomingMessage['headers']; body: string }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

async function record(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  asked.push({ method: request.method, headers: request.headers, body });
  answer(request, response);
}

beforeAll(async () => {
  server = createServer((request, response) => void record(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeEach(async () => {
  bus = createInProcessBus();
  [results, asked, errors] = [[], [], []];
  answer = (_, response) => void response.end();
  await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
    results.push(envelope.data as TaskResult);
    return Promise.resolve({ applied: true });
  });
  const logger = createLogger({ levels: parseLogLevels('error'), destination: { write: (line) => errors.push(line) } });
  const environment = { MILLRACE_TOOLBOX_HTTP_ALLOW: host() };
  service = await startService(toolboxService, { environment, bus, logger });
});
afterEach(async () => {
  expect(errors).toEqual([]);
  await service.drain({ graceMs: 0 });
  await bus.drain({ graceMs: 0 });
});

async function send(
  input: JsonObject,
  { runId = newId('run'), attempt = 1, deadlineMs = 60_000, ...rest }: Partial<TaskData> & { deadlineMs?: number } = {},
): Promise<TaskOutcome> {
  const deadlineAt = new Date(Date.now() + deadlineMs).toISOString();
  const taskId = `${runId}:call:${attempt}`;
  const task = { taskId, runId, node: 'call', attempt, input, stream: false, replyTo, deadlineAt, ...rest };
  const context = { tenantId: 'acme', correlationId: 'req_1', causationId: null };
  await bus.publish({ subject: httpTask.subject, envelope: envelopeOf(httpTask, context, task, { id: taskId }) });
  const found = await eventually(() => results.find((result) => result.taskId === taskId) ?? false);
  return found.outcome;
}
const ask = (input: JsonObject, options = {}) => send({ url: `http://${host()}/x?key=s3cret`, ...input }, options);

describe('an http task', () => {
  it('gives what came back', async () => {
    answer = (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"a": 1}');
    expect(await ask({ headers: { 'X-Team': 'core' } })).toMatchObject({
      status: 'completed',
      output: { status: 200, json: { a: 1 }, encoding: 'text', headers: { 'content-type': 'application/json' } },
    });
    expect(asked[0]).toMatchObject({ method: 'GET', headers: { 'x-team': 'core' } });
    expect(asked[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('sends bodies, under the same key at every attempt', async () => {
    const runId = newId('run');
    await ask({ method: 'POST', body: { a: 1 } }, { runId });
    await ask({ method: 'POST', body: { a: 1 } }, { runId, attempt: 2 });
    await ask({ method: 'PUT', body: 'text' });
    await ask({ method: 'DELETE', headers: { 'Idempotency-Key': 'mine' } });
    await ask({ method: 'PATCH' }, { idempotencyKey: 'of the node' });
    const keys = asked.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys).toEqual([keys[0], keys[0], expect.not.stringMatching(String(keys[0])), 'mine', 'of the node']);
    expect(asked.map(({ method, body, headers }) => [method, body, headers['content-type']])).toEqual([
      ['POST', '{"a":1}', 'application/json'],
      ['POST', '{"a":1}', 'application/json'],
      ['PUT', 'text', 'text/plain; charset=utf-8'],
      ['DELETE', '', undefined],
      ['PATCH', '', undefined],
    ]);
  });

  it.each([
    [404, {}, { code: 'http_404', kind: 'not-found', retryable: false }],
    [429, { 'retry-after': '3' }, { code: 'http_429', retryable: true, retryAfterSeconds: 3 }],
    [503, {}, { code: 'http_503', retryable: true }],
  ])('fails with %i as what it means', async (status, headers, error) => {
    answer = (_, response) => void response.writeHead(status, headers).end('s3cret');
    const outcome = await ask({});
    expect(outcome).toMatchObject({ status: 'failed', error });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });

  it('leaves what is private alone, also behind a redirect', async () => {
    const inside = [
      'http://169.254.169.254/latest/',
      'http://localhost:1/',
      'http://[::ffff:7f00:1]:80/',
      'http://0x7f.1/',
    ];
    for (const url of inside) {
      expect(await send({ url })).toMatchObject({ error: { code: 'address_refused', retryable: false } });
      answer = (_, response) => void response.writeHead(307, { location: url }).end();
      expect(await ask({})).toMatchObject({ error: { code: 'address_refused', retryable: false } });
    }
  });

  it.each([
    [{ headers: { 'X-A': 'a\r\nX-B: b' } }, 'invalid_headers', '/headers/X-A'],
    [{ headers: { Host: 'internal' } }, 'invalid_headers', '/headers/Host'],
    [{ headers: { 'a b/c': 'x' } }, 'invalid_headers', '/headers/a b~1c'],
    [{ headers: { 'transfer-encoding': 'chunked' } }, 'invalid_headers', '/headers/transfer-encoding'],
    [{ body: 'x' }, 'unexpected_body', '/body'],
    [{ method: 'CONNECT' }, 'invalid_input', '/method'],
    [{ maxBytes: 1e12 }, 'invalid_input', '/maxBytes'],
    [{ redirects: -1 }, 'invalid_input', '/redirects'],
    [{ status: [100] }, 'invalid_input', '/status/0'],
    [{ follow: true }, 'invalid_input', '/follow'],
  ])('refuses %j for good', async (input, code, pointer) => {
    const violations = [expect.objectContaining({ pointer })] as unknown;
    expect(await ask(input)).toMatchObject({ error: { code, retryable: false, violations } });
    expect(asked).toEqual([]);
  });

  it('takes no more than was asked for, and stops at the deadline', async () => {
    answer = (_, response) => void response.end('x'.repeat(11));
    expect(await ask({ maxBytes: 10 })).toMatchObject({ error: { code: 'response_too_large' } });
    answer = (_, response) => void response.write('never ends');
    expect(await ask({}, { deadlineMs: 100 })).toMatchObject({ error: { code: 'deadline_exceeded' } });
  });
});
