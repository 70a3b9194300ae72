import { providerError } from './provider-error.js';

export interface ResponseLimits {
  /** Bytes between two line ends of a stream. */
  readonly line: number;
  /** Bytes of a whole answer. */
  readonly total: number;
}

export const responseLimits: ResponseLimits = { line: 1024 * 1024, total: 64 * 1024 * 1024 };
/** An error's body beyond this many bytes is not read. */
const longestErrorBody = 64 * 1024;

/**
 * `fetch` for one provider that is not trusted to behave: no other host and no redirects (they could carry the key elsewhere), no
 * endless lines or bodies, and a 200 that is neither an event stream nor JSON is an error at once.
 * @param origin where the provider is: `https://api.example.com`
 */
export function guardedFetch(origin: string, limits: ResponseLimits): typeof fetch {
  return async (input, init) => {
    const address = new URL(input instanceof Request ? input.url : input);
    if (address.origin !== origin) {
      throw providerError('provider_redirect_refused', 'A call was to leave the host of its model provider.');
    }
    const response = await fetch(input, { ...init, redirect: 'manual' });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw providerError(
        'provider_redirect_refused',
        'The model provider answered with a redirect, which is not followed.',
      );
    }
    if (!response.ok) return withBody(response, cutAfter(longestErrorBody));
    const mediaType = response.headers.get('content-type') ?? '';
    if (mediaType.includes('text/event-stream')) return withBody(response, refuseBeyond(limits));
    if (mediaType.includes('application/json') && !asksForStream(init?.body)) {
      return withBody(response, refuseBeyond({ ...limits, line: limits.total }));
    }
    await response.body?.cancel();
    throw providerError('provider_invalid_response', 'The model provider answered without an event stream.');
  };
}

/** Google says it by the address instead, whose answer is an event stream or an error. */
const asksForStream = (body: unknown): boolean => typeof body === 'string' && body.includes('"stream":true');

function withBody(response: Response, transform: TransformStream<Uint8Array, Uint8Array>): Response {
  const { status, statusText, headers } = response;
  return new Response(response.body?.pipeThrough(transform) ?? null, { status, statusText, headers });
}

/** Passes the first bytes on and ends there. */
function cutAfter(limit: number): TransformStream<Uint8Array, Uint8Array> {
  let room = limit;
  return new TransformStream({
    transform(chunk: Uint8Array, controller) {
      controller.enqueue(chunk.subarray(0, room));
      room -= chunk.length;
      if (room <= 0) controller.terminate();
    },
  });
}

function refuseBeyond(limits: ResponseLimits): TransformStream<Uint8Array, Uint8Array> {
  const lineFeed = 0x0a;
  let line = 0;
  let total = 0;
  return new TransformStream({
    transform(chunk: Uint8Array, controller) {
      const lastLineEnd = chunk.lastIndexOf(lineFeed);
      line = lastLineEnd === -1 ? line + chunk.length : chunk.length - lastLineEnd - 1;
      total += chunk.length;
      if (line > limits.line || total > limits.total) {
        controller.error(
          providerError('provider_invalid_response', 'The model provider sent more than an answer can hold.'),
        );
      } else {
        controller.enqueue(chunk);
      }
    },
  });
}
