/** The model that all sides of the measurement ask: a local server that answers at once, in as many pieces as its model's name says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Upstream extends AsyncDisposable {
  readonly baseUrl: string;
}

export async function startUpstream(): Promise<Upstream> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { model, stream } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; stream?: boolean };
  const pieces = Number(/\d+$/.exec(model)?.[0] ?? 1);
  if (stream === true) streamed(response, pieces);
  else whole(response, pieces);
}

const usage = { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40 };
const head = { id: 'chatcmpl-1', created: 1, model: 'upstream' };

function whole(response: ServerResponse, pieces: number): void {
  const message = { role: 'assistant', content: 'word '.repeat(pieces) };
  const body = { ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function streamed(response: ServerResponse, pieces: number): void {
  const frame = (choices: object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
  const piece = frame([{ index: 0, delta: { content: 'word ' }, finish_reason: null }]);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let at = 0; at < pieces; at++) response.write(piece);
  response.write(frame([{ index: 0, delta: {}, finish_reason: 'stop' }]));
  response.end(`${frame([], { usage })}data: [DONE]\n\n`);
}
