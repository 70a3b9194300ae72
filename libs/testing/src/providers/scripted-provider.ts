/** A local server that speaks the chat completions protocol of OpenAI, and misbehaves on request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: {
    readonly model?: string;
    readonly messages?: readonly { readonly role: string; readonly content: string }[];
    readonly response_format?: { readonly type: string };
    readonly max_tokens?: number;
    readonly stream_options?: unknown;
  };
}

/** What the server does with one request. It may leave the response open. */
export type Behaviour = (response: ServerResponse, request: ReceivedRequest) => void | Promise<void>;

export interface ScriptedProvider {
  readonly baseUrl: string;
  readonly requests: readonly ReceivedRequest[];
  /** Connections that the client closed before their answer ended. */
  readonly abandoned: number;
  /** What to do with the next requests, in order; the last one is repeated. */
  script(...behaviours: Behaviour[]): void;
  stop(): Promise<void>;
}

export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const requests: ReceivedRequest[] = [];
  let behaviours: Behaviour[] = [];
  let abandoned = 0;
  const server = createServer((incoming, response) => {
    response.on('error', () => undefined);
    response.on('close', () => {
      if (!response.writableFinished) abandoned++;
    });
    void readBody(incoming).then((body) => {
      const request = {
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: JSON.parse(body) as ReceivedRequest['body'],
      };
      requests.push(request);
      const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
      return behaviour?.(response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    get abandoned() {
      return abandoned;
    },
    script(...next) {
      behaviours = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

interface AnswerOptions {
  readonly usage?: unknown;
  readonly finishReason?: string;
  /** Sends the last frames twice. */
  readonly repeatEnd?: boolean;
}

const begin = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
};
const send = (response: ServerResponse, data: unknown): void => {
  response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
};
const chunk = (delta: object, finishReason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'scripted',
  choices: [{ index: 0, delta, finish_reason: finishReason }],
});

/** Streams a text in small pieces and ends as it should. */
export function answers(text: string, options: AnswerOptions = {}): Behaviour {
  const { usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }, finishReason = 'stop' } = options;
  return (response) => {
    begin(response);
    for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) send(response, chunk({ content: piece }));
    for (let times = 0; times < (options.repeatEnd ? 2 : 1); times++) {
      send(response, chunk({}, finishReason));
      if (usage !== null) send(response, { ...chunk({}), choices: [], usage });
    }
    response.end('data: [DONE]\n\n');
  };
}

/** Streams a text unit by unit, this many milliseconds apart. */
export const drips =
  (text: string, intervalMs: number): Behaviour =>
  (response) => {
    begin(response);
    const units = [...text];
    const timer = setInterval(() => {
      const unit = units.shift();
      if (unit !== undefined) return send(response, chunk({ content: unit }));
      clearInterval(timer);
      send(response, chunk({}, 'stop'));
      response.end('data: [DONE]\n\n');
    }, intervalMs);
    response.on('close', () => clearInterval(timer));
  };

export const answersStatus =
  (status: number, body: unknown = {}, headers: Record<string, string> = {}): Behaviour =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** Accepts the request and says nothing at all. */
export const hangs: Behaviour = () => undefined;

/** Begins an answer and then says nothing more. */
export const stallsAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
  };

/** Begins an answer and closes the connection in the middle. */
export const breaksOffAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
    response.write('data: {"id":"chatcm', () => response.destroy());
  };

/** Ends the stream cleanly, but without saying that the answer is complete. */
export const endsEarlyAfter =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    send(response, chunk({ content: text }));
    response.end();
  };

/** Sends raw frames, whatever they are. */
export const sendsFrames =
  (...frames: unknown[]): Behaviour =>
  (response) => {
    begin(response);
    frames.forEach((frame) => send(response, frame));
    response.end();
  };

/** Goes on for ever, as fast as the client takes it. */
export const neverEnds =
  (text: string): Behaviour =>
  (response) => {
    begin(response);
    const frame = `data: ${JSON.stringify(chunk({ content: text }))}\n\n`;
    const push = () => {
      while (!response.destroyed && response.write(frame));
    };
    response.on('drain', push);
    push();
  };

/** One line of this many bytes, without an end. */
export const sendsOneLineOf =
  (bytes: number): Behaviour =>
  (response) => {
    begin(response);
    const block = Buffer.alloc(64 * 1024, 'x');
    let left = bytes;
    const push = () => {
      while (!response.destroyed && left > 0) {
        left -= block.length;
        if (!response.write(block)) return;
      }
      response.end();
    };
    response.on('drain', push);
    response.write('data: ');
    push();
  };
