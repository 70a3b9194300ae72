import type { Route } from '@millrace/contracts';
import type { ServerResponse } from 'node:http';
import type { RouteRequest } from '../endpoint/exchange.js';
import { retryFrame } from './server-sent-event.js';

const reconnectAfterMs = 1_000;

/** Takes the answer out of Fastify's hands, with the headers that hooks have set, and begins a stream of server-sent events. */
export function beginStream(request: Pick<RouteRequest<Route>, 'http'>): ServerResponse {
  const response = openEventStream(request);
  response.write(retryFrame(reconnectAfterMs));
  return response;
}

/** The same without a word about coming back, for streams that cannot be resumed. */
export function openEventStream({ http: { reply } }: Pick<RouteRequest<Route>, 'http'>): ServerResponse {
  reply.hijack();
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined));
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Proxies that buffer by default (nginx) pass it on as it comes.
    'x-accel-buffering': 'no',
  });
  return reply.raw;
}
