import { httpActiveRequests, httpRequestDuration } from '@millrace/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Rate, errors and duration of every route, and how many requests are being answered. */
export function measureRequests(fastify: FastifyInstance): void {
  const active = httpActiveRequests.at({});
  fastify.addHook('onRequest', (request, reply, done) => {
    active.add(1);
    const beganAt = performance.now();
    // Unlike a finished answer, the end of the connection comes always, also when the caller goes away first.
    reply.raw.once('close', () => {
      active.add(-1);
      httpRequestDuration.at(labelsOf(request, reply)).record((performance.now() - beganAt) / 1000);
    });
    done();
  });
}

/** The route and not the address, in which a caller may have put anything. */
function labelsOf(request: FastifyRequest, reply: FastifyReply) {
  return {
    // Other methods than those of the set are counted as one.
    'http.request.method': request.method as 'GET',
    'http.route': request.routeOptions.url ?? 'unmatched',
    'http.response.status_code': String(reply.statusCode),
    'error.type': reply.raw.writableFinished ? '' : 'aborted',
  } as const;
}
