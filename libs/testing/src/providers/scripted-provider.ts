/**
 * The hostile provider: a local server that speaks the chat completions protocol of OpenAI, does what it is scripted to do, and
 * whatever a request asks for by its model, `hostile:NAME`. Everything it can do is in `misbehaviours.ts`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { misbehaviourOf } from './misbehaviours.js';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: {
    readonly model?: string;
    readonly messages?: readonly ReceivedMessage[];
    readonly tools?: readonly unknown[];
    readonly stream?: boolean;
    readonly response_format?: { readonly type: string };
    readonly max_tokens?: number;
    readonly stream_options?: unknown;
  };
}

export interface ReceivedMessage {
  readonly role: string;
  /** Parts where it holds images. */
  readonly content: string | null | readonly { readonly type: string; readonly text?: string }[];
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
        body: (body === '' ? {} : JSON.parse(body)) as ReceivedRequest['body'],
      };
      requests.push(request);
      const behaviour = misbehaviourOf(request.body.model) ?? nextOf(behaviours);
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

const nextOf = (behaviours: Behaviour[]): Behaviour | undefined =>
  behaviours.length > 1 ? behaviours.shift() : behaviours[0];

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
