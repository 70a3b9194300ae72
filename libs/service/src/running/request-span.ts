import { METHODS } from 'node:http';
import {
  endSpan,
  failSpan,
  httpAttributes,
  millraceAttributes,
  startArrivedSpan,
  type StartedSpan,
  type TraceHeaders,
} from '@millrace/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any other hook runs: the request in its trace. */
    span: StartedSpan | null;
  }
}

/** Asked every few seconds by whoever watches; a trace of each would hide all others. */
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
const outsideOfTraces: StartedSpan = { span: undefined, run: (work) => work() };
const knownMethods: ReadonlySet<string> = new Set(METHODS);

/** The span of a request, from its headers to the last byte of its answer. It names the route, never the address. */
export function startRequestSpan(request: FastifyRequest, reply: FastifyReply): StartedSpan {
  if (probes.has(request.url)) return outsideOfTraces;
  const method = knownMethods.has(request.method) ? request.method : '_OTHER';
  const route = request.routeOptions.url?.replaceAll(/:(\w+)/g, '{$1}');
  const started = startArrivedSpan({ headers: traceHeadersOf(request) }, () => ({
    name: route === undefined ? method : `${method} ${route}`,
    kind: 'server',
    attributes: {
      [httpAttributes.method]: method,
      [httpAttributes.scheme]: request.protocol,
      [millraceAttributes.correlationId]: request.id,
      ...(route !== undefined && { [httpAttributes.route]: route }),
    },
  }));
  const { span } = started;
  if (span !== undefined) {
    reply.raw.once('close', () => {
      const { statusCode } = reply.raw;
      span.setAttribute(httpAttributes.statusCode, statusCode);
      if (statusCode >= 500) failSpan(span, String(statusCode));
      endSpan(span);
    });
  }
  return started;
}

function traceHeadersOf({ headers }: FastifyRequest): TraceHeaders {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string') return {};
  return { traceparent, ...(typeof tracestate === 'string' && { tracestate }) };
}

/** Goes on with a request inside its span: reading a body leaves the context of the hooks before. */
export function withinRequestSpan(request: FastifyRequest, work: () => void): void {
  (request.span ?? outsideOfTraces).run(work);
}
