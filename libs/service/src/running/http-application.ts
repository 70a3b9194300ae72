import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { newId } from '@millrace/kernel';
import { withLogContext, type Logger } from '@millrace/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { HttpDefinition } from '../service-definition.js';
import { measureRequests } from './http-metrics.js';
import { endLingeringConnections } from './lingering-connections.js';
import { startRequestSpan, withinRequestSpan } from './request-span.js';

const defaultBodyLimit = 1024 * 1024;
const requestTimeoutMs = 60_000;
const correlationIdPattern = /^[A-Za-z0-9_.:-]{1,100}$/;

/**
 * Fastify for a service that serves HTTP: bounded bodies and times, no trust in forwarded addresses, and a request id that
 * is the correlation id of everything the request causes.
 */
export function fastifyAdapter<Config>(http: HttpDefinition<Config>, config: Config, logger: Logger): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit: http.bodyLimit?.(config) ?? defaultBodyLimit,
    trustProxy: false,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: 'idle',
    genReqId: (request: IncomingMessage) => correlationIdOf(request.headers),
    ...(http.refuse !== undefined && { frameworkErrors: http.refuse }),
  });
  const fastify = adapter.getInstance();
  endLingeringConnections(fastify);
  measureRequests(fastify);
  fastify.decorateRequest('span', null);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-correlation-id', request.id);
    request.span = startRequestSpan(request, reply);
    withinRequestSpan(request, () => withLogContext({ correlationId: request.id }, done));
  });
  // Reading a body leaves the context of the first hook, so it is entered again.
  fastify.addHook('preHandler', (request, _reply, done) =>
    withinRequestSpan(request, () => withLogContext({ correlationId: request.id }, done)),
  );
  fastify.addHook('onResponse', (request, reply, done) => {
    // The route and not the address, in which a caller may have put anything.
    const { method, id: correlationId, routeOptions } = request;
    const durationMs = Math.round(reply.elapsedTime);
    logger.debug({ correlationId, method, route: routeOptions.url, status: reply.statusCode, durationMs }, 'answered');
    done();
  });
  return adapter;
}

/** The caller's own id when it is harmless in logs and headers, else a new one. */
function correlationIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-correlation-id'];
  return typeof given === 'string' && correlationIdPattern.test(given) ? given : newId('req');
}

/** Listens. @returns the address under which it can be reached. */
export async function listen<Config>(
  application: NestFastifyApplication,
  http: HttpDefinition<Config>,
  config: Config,
): Promise<string> {
  const host = http.host(config);
  await application.listen(http.port(config), host);
  const address = application.getHttpServer().address();
  if (address === null || typeof address === 'string') throw new Error('The HTTP server has no port.');
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${address.port}`;
}
