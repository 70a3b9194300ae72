import { providerError } from './provider-error.js';
import { AnswerRoom, longestErrorBody, noEventStream, redirectRefused, type ResponseLimits } from './response-rules.js';

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
      throw redirectRefused();
    }
    if (!response.ok) return withBody(response, cutAfter(longestErrorBody));
    const mediaType = response.headers.get('content-type') ?? '';
    if (mediaType.includes('text/event-stream')) return withBody(response, refuseBeyond(limits));
    if (mediaType.includes('application/json') && !asksForStream(init?.body)) {
      return withBody(response, refuseBeyond({ ...limits, line: limits.total }));
    }
    await response.body?.cancel();
    throw noEventStream();
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
  const room = new AnswerRoom(limits);
  return new TransformStream({
    transform(chunk: Uint8Array, controller) {
      room.take(chunk.length, chunk.lastIndexOf(lineFeed));
      controller.enqueue(chunk);
    },
  });
}
