import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer, type RequestListener, type Server } from 'node:http';
import { MillraceClient } from './index.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(listener: RequestListener): Promise<MillraceClient> {
  const server = createServer(listener);
  servers.push(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return new MillraceClient({ baseUrl: `http://127.0.0.1:${port}/`, apiKey: 'mr_test', attempts: 1 });
}

describe('a server that is not what it should be', () => {
  it.each([
    ['a page of HTML', 200, '<html>', 'invalid_reply', 'internal'],
    ['JSON of another shape', 200, '{"items": 3}', 'invalid_reply', 'internal'],
    ['an error page', 502, '<html>Bad Gateway', 'unexpected_answer', 'internal'],
    ['an error in other words', 404, '{"message": "no"}', 'unexpected_answer', 'not-found'],
  ])('gives an error that says so: %s', async (_, status, text, code, kind) => {
    const client = await serve((_request, response) => response.writeHead(status).end(text));
    await expect(client.listRuns()).rejects.toMatchObject({ code, kind });
  });

  it('cannot send the key elsewhere', async () => {
    const client = await serve((_request, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:1/stolen' }).end();
    });
    await expect(client.listRuns()).rejects.toMatchObject({ code: 'server_unreachable' });
  });

  it('that breaks off its answer gives an error, not half of it', async () => {
    const client = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"items": [', () => response.destroy());
    });
    await expect(client.listRuns()).rejects.toMatchObject({ code: 'server_unreachable' });
  });

  it('and whose stream is nonsense ends the stream with an error', async () => {
    const client = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: token\nid: 1.1\ndata: {"half\n\n');
    });
    const stream = client.streamRun(`run_${'0'.repeat(32)}`, { attempts: 1 });
    await expect(stream.next()).rejects.toMatchObject({ code: 'stream_interrupted' });
  });
});
