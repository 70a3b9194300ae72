/**
 * One request to the web and what came back: through the guard at every hop, never larger than asked for, never after the signal.
 * It is node's own client: a pool would keep connections that were looked at for another host.
 */
import { MillraceError } from '@millrace/kernel';
import { request as plainRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { readBody } from './read-body.js';
import { nextHop } from './redirect.js';
import type { WebGuard } from './web-guard.js';
import { webError } from './web-error.js';

export interface WebRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** Bytes of the answer's body, after decoding. */
  readonly maxBytes: number;
  /** How many redirects are followed. */
  readonly redirects: number;
  /** The status and the headers are the answer: what follows them is not waited for, and the connection ends. */
  readonly ignoresBody?: boolean;
  readonly signal: AbortSignal;
}

export interface WebResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Where the answer came from, after redirects. */
  readonly url: string;
}

/** What is sent at one hop. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

/**
 * @throws MillraceError `invalid_url`, `address_refused`, `too_many_redirects`, `redirect_refused`, `response_too_large`,
 *   `invalid_response`, `tls_failed`, all permanent; `unreachable`, which may pass; the signal's reason
 */
export async function fetchWeb(guard: WebGuard, request: WebRequest): Promise<WebResponse> {
  const { method, headers = {}, body, redirects, signal } = request;
  let hop: Hop = { method, url: guard.check(request.url), headers: lowerCased(headers), body };
  for (let followed = 0; ; followed += 1) {
    signal.throwIfAborted();
    const response = await send(guard, hop, signal);
    const next = redirects === 0 ? undefined : nextHop(guard, hop, response);
    if (next === undefined) return await answerOf(response, hop, request);
    response.destroy();
    if (followed === redirects)
      throw new MillraceError('invalid', 'too_many_redirects', `More than ${redirects} redirects followed each other.`);
    hop = next;
  }
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

function send(guard: WebGuard, { method, url, headers, body }: Hop, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? secureRequest : plainRequest;
    const options = {
      method,
      headers: {
        'user-agent': 'Millrace',
        'accept-encoding': 'gzip, deflate, br',
        ...headers,
        ...(body !== undefined && { 'content-length': String(body.byteLength) }),
      },
      lookup: guard.lookupFor(url),
      agent: false,
      signal,
    } as const;
    const outgoing = request(url, options, resolve);
    outgoing.on('socket', (socket) => guard.watch(socket, url));
    // Nobody asked for another protocol.
    outgoing.on('upgrade', (_response, socket) => socket.destroy());
    outgoing.on('error', (error) => reject(webError(error, signal)));
    outgoing.end(body);
  });
}

async function answerOf(
  response: IncomingMessage,
  { method, url }: Hop,
  { maxBytes, ignoresBody = false, signal }: WebRequest,
): Promise<WebResponse> {
  const { statusCode: status = 0, headers } = response;
  if (ignoresBody) {
    response.on('error', () => undefined).destroy();
    return { status, headers, body: Buffer.alloc(0), url: url.href };
  }
  const body = method === 'HEAD' ? Buffer.alloc(0) : await readBody(response, maxBytes, signal);
  return { status, headers, body, url: url.href };
}
