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
 * `fetch` for a provider that is not trusted to behave: no redirects (they could carry the key elsewhere), no endless lines or
 * bodies, and a 200 that is no event stream is an error at once.
 */
export function guardedFetch(limits: ResponseLimits): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, { ...init, redirect: 'manual' });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      throw providerError(
        'provider_redirect_refused',
        'The model provider answered with a redirect, which is not followed.',
      );
    }
    if (!response.ok) return withBody(response, cutAfter(longestErrorBody));
    if (!response.headers.get('content-type')?.includes('text/event-stream')) {
      await response.body?.cancel();
      throw providerError('provider_invalid_response', 'The model provider answered without an event stream.');
    }
    return withBody(response, refuseBeyond(limits));
  };
}

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
