/** An HTTP service as somebody may have one: knows an order, is busy at first, and confirms each key once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export class OrderService {
  private readonly confirmed = new Set<string>();
  private asked = 0;
  private readonly server = createServer((request, response) => {
    const { method, url, headers } = request;
    if (url === '/ferries') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(
        '<main><h1>Ferries</h1><p>The ferry to the island leaves the harbour at seven every morning.</p></main>',
      );
    } else if (method === 'POST') {
      const key = String(headers['idempotency-key']);
      response.writeHead(this.confirmed.has(key) ? 409 : 201).end();
      this.confirmed.add(key);
    } else if ((this.asked += 1) === 1) {
      response.writeHead(503, { 'retry-after': '0' }).end();
    } else {
      const order = { order: url?.split('/').at(-1), total: 19 };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(order));
    }
  });

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
