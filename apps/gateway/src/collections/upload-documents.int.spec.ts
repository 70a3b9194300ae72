import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ingestDocument, type RequestOf, type UploadedDocument } from '@millrace/contracts';
import { MillraceError, notFound } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import { connect } from 'node:net';
import { TestGateway } from '../gateway.fixture.js';

type Ingest = RequestOf<typeof ingestDocument>;

const fileBytes = 2_000;
let gateway: TestGateway;
const ingested: Ingest[] = [];
beforeAll(async () => {
  const environment = {
    MILLRACE_UPLOAD_FILE_BYTES: String(fileBytes),
    MILLRACE_UPLOAD_FILES: '3',
    MILLRACE_HTTP_REQUEST_TIMEOUT_MS: '1000',
  };
  gateway = await TestGateway.start({ environment });
  await gateway.bus.respond(ingestDocument.subject, { queue: 'research', maxInFlight: 10 }, ({ envelope }) => {
    const document = ingestDocument.request.parse(envelope.data);
    if (document.collection === 'missing') throw notFound('unknown_collection', 'There is no collection "missing".');
    if (document.source.endsWith('.bin')) {
      throw new MillraceError('unsupported', 'unsupported_content', `"${document.source}" is no text.`);
    }
    ingested.push(document);
    return Promise.resolve({ outcome: 'created', document: documentOf(document) });
  });
});
beforeEach(() => {
  ingested.length = 0;
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const documentOf = ({ collection, source, mediaType = 'text/plain', content }: Ingest) => ({
  id: `doc_${source}`,
  collection,
  source,
  title: source,
  mediaType,
  snapshotSha256: 'a'.repeat(64),
  characters: content.length,
  chunks: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
});

const path = '/v1/collections/guides/documents';
function formOf(files: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, content] of Object.entries(files)) form.append('file', new Blob([content]), name);
  return form;
}
const itemsIn = async (response: Response) => ((await response.json()) as { items: UploadedDocument[] }).items;
const textOf = ({ content }: Ingest) => Buffer.from(content, 'base64').toString('utf8');

describe('an upload', () => {
  it('takes several files, with the paths that they have', async () => {
    const response = await gateway.call(path, { body: formOf({ 'a.md': '# Ä', 'deep/er/b.txt': 'b' }) });
    expect(response.status).toBe(200);
    expect((await itemsIn(response)).map(({ source, outcome }) => [source, outcome])).toEqual([
      ['a.md', 'created'],
      ['deep/er/b.txt', 'created'],
    ]);
    expect(ingested.map(textOf)).toEqual(['# Ä', 'b']);
  });

  it('takes one file as the raw body', async () => {
    const headers = { 'content-type': 'application/pdf' };
    const response = await gateway.call(`${path}?source=report.pdf`, {
      body: new Uint8Array([1, 2, 3]),
      headers,
      method: 'POST',
    });
    expect(response.status).toBe(200);
    expect(ingested).toMatchObject([{ collection: 'guides', source: 'report.pdf', mediaType: 'application/pdf' }]);
    expect([...Buffer.from(ingested[0]?.content ?? '', 'base64')]).toEqual([1, 2, 3]);
  });

  it('takes the good files beside the bad ones, and says what is wrong with those', async () => {
    const files = { 'good.md': 'good', 'bad.bin': 'x', 'big.md': 'x'.repeat(fileBytes + 1) };
    const items = await itemsIn(await gateway.call(path, { body: formOf(files) }));
    expect(items.map(({ source, outcome, error }) => [source, outcome, error?.code])).toEqual([
      ['good.md', 'created', undefined],
      ['bad.bin', 'failed', 'unsupported_content'],
      ['big.md', 'failed', 'document_too_large'],
    ]);
  });

  it.each([
    ['a single bad file', { 'bad.bin': 'x' }, { status: 415, code: 'unsupported_content' }],
    [
      'a single file that is too large',
      { 'big.md': 'x'.repeat(fileBytes + 1) },
      { status: 413, code: 'document_too_large' },
    ],
    ['a form without files', {}, { status: 400, code: 'no_files' }],
    ['too many files', { a: '1', b: '2', c: '3', d: '4' }, { status: 413, code: 'too_many_files' }],
  ])('of %s is refused', async (_, files, expected) => {
    expect(await gateway.refusal(path, { body: formOf(files as Record<string, string>) })).toMatchObject(expected);
  });

  it.each(['../../etc/passwd', '/etc/passwd', 'a//b', 'a/./b', 'C:\\x.md', 'a\\b', 'nul\u0000.md'])(
    'under the name %j is refused',
    async (source) => {
      const refusal = await gateway.refusal(`${path}?source=${encodeURIComponent(source)}`, {
        body: 'x',
        method: 'POST',
      });
      expect(refusal).toMatchObject({ status: 400, code: 'invalid_source' });
      expect(ingested).toEqual([]);
    },
  );

  it('to an unknown collection is refused as a whole', async () => {
    const refusal = await gateway.refusal('/v1/collections/missing/documents', { body: formOf({ a: '1', b: '2' }) });
    expect(refusal).toMatchObject({ status: 404, code: 'unknown_collection' });
  });

  it('of a raw body needs a name, and stays under the limit', async () => {
    expect(await gateway.refusal(path, { body: 'x', method: 'POST' })).toMatchObject({ code: 'missing_source' });
    const big = { body: 'x'.repeat(fileBytes + 1), method: 'POST' };
    expect(await gateway.refusal(`${path}?source=big.md`, big)).toMatchObject({ status: 413, code: 'body_too_large' });
  });

  /** Sends the head of a form and what follows it, and gives what came back. */
  async function sendPart(rest: string, announced: number, isCut: boolean): Promise<string> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect(Number(port), hostname);
    const head = [
      `POST ${path} HTTP/1.1`,
      'host: x',
      `x-api-key: ${gateway.keys.editor.secret}`,
      'content-type: multipart/form-data; boundary=B',
      `content-length: ${announced}`,
    ];
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString())).on('error', () => undefined);
    socket.write(`${head.join('\r\n')}\r\n\r\n${rest}`);
    if (isCut) socket.end();
    await eventually(() => answer.includes('correlationId') || socket.destroyed);
    socket.destroy();
    return answer;
  }

  const openFile = '--B\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\nhalf of';
  it('that is cut midway stores nothing, and the next one works', async () => {
    await sendPart(openFile, 10_000, true);
    expect(ingested).toEqual([]);
    expect((await gateway.call(path, { body: formOf({ 'a.md': 'whole' }) })).status).toBe(200);
  });

  it('whose form ends too early is refused', async () => {
    expect(await sendPart(openFile, openFile.length, false)).toContain('incomplete_body');
    expect(ingested).toEqual([]);
  });

  it('that does not arrive is given up', async () => {
    expect(await sendPart(openFile, 10_000, false)).toContain('request_too_slow');
    const raw = await gateway.call('/healthz');
    expect(raw.status).toBe(200);
  });
});
