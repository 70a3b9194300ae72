import { APICallError } from '@ai-sdk/provider';
import { httpAttributes, inSendingSpan, recordedSpan, redactText } from '@millrace/telemetry';
import * as http from 'node:http';
import * as https from 'node:https';
import {
  AnswerRoom,
  longestErrorBody,
  noEventStream,
  redirectRefused,
  type ResponseLimits,
  responseLimits,
} from '../response-rules.js';

export interface StreamRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
  readonly signal: AbortSignal;
  readonly limits?: ResponseLimits;
}

/** Connections nobody uses are closed before most servers would: one that is closed as a request goes out looks like a failed call. */
const idleConnectionMs = 4_000;
const agents = {
  'http:': new http.Agent({ keepAlive: true, timeout: idleConnectionMs }),
  'https:': new https.Agent({ keepAlive: true, timeout: idleConnectionMs }),
};

/**
 * Posts JSON and hands over the event stream that answers it, as text. The server is not trusted to behave: no redirects (they could
 * carry the key elsewhere), no endless lines or bodies, and a 200 that is no event stream is an error at once. What `onText` throws ends
 * the connection.
 * @throws APICallError for other statuses; MillraceError `provider_…`; the signal's reason; the error of the connection
 */
export function postForStream(request: StreamRequest, onText: (text: string) => void): Promise<void> {
  const { origin, pathname } = request.url;
  const describe = () => ({
    name: 'POST',
    kind: 'client' as const,
    attributes: { [httpAttributes.method]: 'POST', [httpAttributes.url]: redactText(`${origin}${pathname}`) },
  });
  return inSendingSpan({}, describe, (trace) =>
    post({ ...request, headers: { ...request.headers, ...trace } }, onText),
  );
}

function post(
  { url, headers, body, signal, limits = responseLimits }: StreamRequest,
  onText: (text: string) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = {
    method: 'POST',
    agent: url.protocol === 'https:' ? agents['https:'] : agents['http:'],
    headers: {
      ...headers,
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  };
  const request = (url.protocol === 'https:' ? https : http).request(url, options);
  const fail = (error: unknown): void => {
    reject(error);
    request.destroy();
  };
  const onAbort = (): void => fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  request.on('error', reject).once('response', (response) => {
    const guarded = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        fail(error);
      }
    };
    recordedSpan()?.setAttribute(httpAttributes.statusCode, response.statusCode ?? 0);
    guarded(() => {
      const reader = readerOf(response, url, limits, onText);
      response
        .setEncoding('utf8')
        .on('error', reject)
        .on('data', (text: string) => guarded(() => reader.take(text)))
        .once('end', () => guarded(() => resolve(reader.end?.())));
    });
  });
  request.end(body);
  return promise.finally(() => signal.removeEventListener('abort', onAbort));
}

interface Reader {
  take(text: string): void;
  end?(): void;
}

function readerOf(
  { statusCode = 0, headers }: http.IncomingMessage,
  url: URL,
  limits: ResponseLimits,
  onText: (text: string) => void,
): Reader {
  if (statusCode >= 300 && statusCode < 400) throw redirectRefused();
  if (statusCode !== 200) return new FailureReader(statusCode, headers, url);
  if ((headers['content-type'] ?? '').includes('text/event-stream')) return new StreamReader(limits, onText);
  throw noEventStream();
}

/** Only the beginning of what a body says of a failure is read. */
class FailureReader implements Reader {
  private body = '';

  constructor(
    private readonly statusCode: number,
    private readonly headers: http.IncomingHttpHeaders,
    private readonly url: URL,
  ) {}

  take(text: string): void {
    this.body = (this.body + text).slice(0, longestErrorBody);
    if (this.body.length === longestErrorBody) this.end();
  }

  /** @throws APICallError */
  end(): never {
    const { statusCode, url, body: responseBody } = this;
    const responseHeaders: Record<string, string> = {};
    for (const [name, value] of Object.entries(this.headers))
      if (typeof value === 'string') responseHeaders[name] = value;
    const message = `The model provider answered ${statusCode}.`;
    const failure = { message, url: url.origin, requestBodyValues: {}, statusCode, responseBody, responseHeaders };
    throw new APICallError(failure);
  }
}

/** Hands text on, as much as an answer can hold, counted in characters. */
class StreamReader implements Reader {
  private readonly room: AnswerRoom;

  constructor(
    limits: ResponseLimits,
    private readonly onText: (text: string) => void,
  ) {
    this.room = new AnswerRoom(limits);
  }

  take(text: string): void {
    this.room.take(text.length, text.lastIndexOf('\n'));
    this.onText(text);
  }
}
