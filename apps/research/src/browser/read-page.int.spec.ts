/** Pages as servers give them, friendly or not, on both databases. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  browserTask,
  createCollection,
  envelopeOf,
  resolveCitations,
  searchCollection,
  type CommandContract,
  type MessageContext,
  type OutputOf,
  type TaskOutcome,
  type TaskResult,
} from '@millrace/contracts';
import { newId, type JsonObject } from '@millrace/kernel';
import { createInProcessBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { backendKinds, eventually, testBackend } from '@millrace/testing';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { researchService } from '../index.js';

jest.setTimeout(60_000);

const replyTo = 'result.1.v1';
const page = (
  sentence: string,
) => `<!doctype html><html><head><title>Ferries | Island</title><script>alert(1)</script></head><body>
  <nav>Home News Contact</nav><main><h1>Ferries</h1><p>${sentence}</p><p>Bicycles travel free.</p></main><footer>Imprint</footer></body></html>`;

describe.each(backendKinds)('reading pages on %s', (kind) => {
  const bus = createInProcessBus();
  const results: TaskResult[] = [];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const server = createServer((request, response) => answer(request, response));
  let backend: Awaited<ReturnType<typeof testBackend>>;
  let service: RunningService;
  let host: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    backend = await testBackend(kind);
    await bus.respond(replyTo, { queue: 'orchestrator', maxInFlight: 100 }, ({ envelope }) => {
      results.push(envelope.data as TaskResult);
      return Promise.resolve({ applied: true });
    });
    const logger = createLogger({ levels: parseLogLevels('silent') });
    const environment = { MILLRACE_RESEARCH_HTTP_ALLOW: host };
    service = await startService(researchService, { environment, bus, backend, logger });
    await ask(createCollection, { name: 'web', description: '' });
  }, 120_000);
  afterAll(async () => {
    await service.drain({ graceMs: 1_000 });
    await bus.drain({ graceMs: 0 });
    await backend.close();
    server.closeAllConnections();
    server.close();
  });

  const contextOf = (tenantId: string): MessageContext => ({ tenantId, correlationId: 'cor_1', causationId: null });
  async function ask<Request, Response>(
    contract: CommandContract<Request, Response>,
    data: Request,
    tenantId = 'acme',
  ) {
    const envelope = envelopeOf(contract, contextOf(tenantId), data);
    return contract.response.parse(await bus.request({ subject: contract.subject, envelope }));
  }
  async function read(input: JsonObject, tenantId = 'acme'): Promise<TaskOutcome> {
    const runId = newId('run');
    const given = { url: `http://${host}/ferries`, collection: 'web', ...input };
    const task = { taskId: `${runId}:read:1`, runId, node: 'read', attempt: 1, input: given, stream: false, replyTo };
    const envelope = envelopeOf(browserTask, contextOf(tenantId), task, { id: task.taskId });
    await bus.publish({ subject: browserTask.subject, envelope });
    return (await eventually(() => results.find((result) => result.runId === runId) ?? false)).outcome;
  }
  async function readPage(input: JsonObject = {}): Promise<OutputOf<typeof browserTask>> {
    const outcome = await read(input);
    if (outcome.status === 'failed') throw new Error(JSON.stringify(outcome.error));
    return browserTask.output.parse(outcome.output);
  }
  const html = (text: string): void => {
    answer = (_, response) => void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(text);
  };

  it('stores what is to be read, so that citations resolve when the page has changed', async () => {
    html(page('The ferry leaves at seven, and costs 9 €.'));
    const first = await readPage({ url: `http://${host}/ferries#times` });
    expect(first).toMatchObject({
      ...{
        url: `http://${host}/ferries`,
        title: 'Ferries',
        mediaType: 'text/html',
        outcome: 'created',
        truncated: false,
      },
      passages: [{ source: `http://${host}/ferries`, headings: expect.any(Array), score: 0 }],
    });
    const text = first.passages.map((passage) => passage.text).join('\n');
    expect(text).toContain('The ferry leaves at seven, and costs 9 €.');
    expect(text).not.toMatch(/alert|Imprint|Contact/);
    expect(await readPage()).toMatchObject({ outcome: 'unchanged', documentId: first.documentId });

    html(page('The ferry leaves at eight.'));
    const second = await readPage();
    expect(second).toMatchObject({ outcome: 'replaced', documentId: first.documentId });
    expect(second.snapshotSha256).not.toBe(first.snapshotSha256);
    const [passage] = first.passages;
    const quote = 'The ferry leaves at seven, and costs 9 €.';
    const start = (passage?.start ?? 0) + (passage?.text.indexOf(quote) ?? 0);
    const { documentId, snapshotSha256 } = first;
    const citation = {
      marker: 1,
      source: first.url,
      documentId,
      snapshotSha256,
      start,
      end: start + quote.length,
      quote,
    };
    expect(await ask(resolveCitations, { citations: [citation] })).toMatchObject({ resolutions: [{ resolved: true }] });
    const found = await ask(searchCollection, { collection: 'web', query: 'ferry', limit: 5 });
    expect(found.passages.map((each) => each.source)).toEqual([first.url]);
  });

  it('follows redirects to where the page is, and gives as many passages as asked for', async () => {
    const long = Array.from(
      { length: 40 },
      (_, index) => `<h2>Part ${index}</h2><p>${'Words about boats. '.repeat(60)}</p>`,
    ).join('');
    answer = ({ url }, response) => {
      if (url === '/old') response.writeHead(301, { location: '/new' }).end();
      else response.writeHead(200, { 'content-type': 'text/html' }).end(`<main>${long}</main>`);
    };
    const read = await readPage({ url: `http://${host}/old`, maxPassages: 3 });
    expect(read).toMatchObject({ url: `http://${host}/new`, truncated: true });
    expect(read.passages).toHaveLength(3);
  });

  it.each([
    [404, 'http_404', false],
    [503, 'http_503', true],
  ])('fails with %i as what it means', async (status, code, retryable) => {
    answer = (_, response) => void response.writeHead(status).end('gone');
    expect(await read({})).toMatchObject({ status: 'failed', error: { code, retryable } });
  });

  it('refuses what cannot be read, is too large, or is not for it', async () => {
    html('<main></main>');
    expect(await read({ url: `http://${host}/empty` })).toMatchObject({ error: { code: 'empty_document' } });
    answer = (_, response) => void response.writeHead(200, { 'content-type': 'image/png' }).end('x');
    expect(await read({})).toMatchObject({ error: { code: 'unsupported_content', retryable: false } });
    html(page('x'.repeat(2_000)));
    expect(await read({ maxBytes: 1_000 })).toMatchObject({ error: { code: 'response_too_large' } });
    html(page('Fine.'));
    expect(await read({ collection: 'nowhere' })).toMatchObject({ error: { code: 'collection_not_found' } });
    expect(await read({}, 'globex')).toMatchObject({ error: { code: 'collection_not_found' } });
    for (const url of [
      'http://169.254.169.254/',
      'http://localhost:1/',
      'file:///etc/passwd',
      'http://[::ffff:7f00:1]/',
    ]) {
      expect(await read({ url })).toMatchObject({
        error: { code: expect.stringMatching(/address_refused|invalid_url/), retryable: false },
      });
      answer = (_, response) => void response.writeHead(302, { location: url }).end();
      expect(await read({})).toMatchObject({ error: { code: expect.stringMatching(/address_refused|invalid_url/) } });
    }
  });
});
