import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { metricsContentType, renderMetrics } from '@millrace/telemetry';
import type { HealthCheck } from '../service-definition.js';

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves what only operators are to see, beside whatever HTTP a service has for others: `/healthz` (the process answers),
 * `/readyz` (it can do its work: 200, or 503 with the problems) and `/metrics` (the Prometheus text format). Port 0 lets the
 * system choose.
 */
export async function serveHealth(
  health: HealthCheck,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HealthServer> {
  const server = createServer((request, response) => void answer(health, request, response));
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(health: HealthCheck, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const path = request.url?.split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(response, 405, { status: 'method not allowed' });
  if (path === '/healthz') return send(response, 200, { status: 'ok' });
  if (path === '/metrics') return sendMetrics(response);
  if (path !== '/readyz') return send(response, 404, { status: 'not found' });
  const { ready, problems } = await health.check();
  send(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', problems });
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function sendMetrics(response: ServerResponse): Promise<void> {
  const text = await renderMetrics();
  response.writeHead(200, { 'content-type': metricsContentType, 'cache-control': 'no-store' });
  response.end(text);
}
