/** Starts runs over HTTP and waits for their ends, cheaply: on a small machine a caller takes time from what it measures. */
import { newId } from '@millrace/kernel';
import { Agent, request } from 'node:http';

const waitSeconds = 30;

export class Caller {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1_000 });

  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  /** Runs a published graph to its end. Gives how long it took, in milliseconds. @throws Error where it does not complete */
  async run(graph: string): Promise<number> {
    const began = performance.now();
    const headers = { prefer: `wait=${waitSeconds}`, 'idempotency-key': newId('start') };
    const { status, text } = await this.post('/v1/runs', JSON.stringify({ graph }), 'application/json', headers);
    const tookMs = performance.now() - began;
    if (status !== 200 || !text.includes('"status":"completed"')) throw new Error(`A run answered ${status}: ${text}`);
    return tookMs;
  }

  /** Publishes a graph document. */
  async publish(document: object): Promise<void> {
    const { status, text } = await this.post('/v1/graphs', JSON.stringify(document), 'application/json');
    if (status >= 300) throw new Error(`The graph was refused (${status}): ${text}`);
  }

  /** So many runs, so many at once. Gives how many ended in a second. */
  async load(graph: string, runs: number, inFlight: number): Promise<number> {
    const began = performance.now();
    let left = runs;
    const work = async (): Promise<void> => {
      while (left-- > 0) await this.run(graph);
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    return (runs * 1_000) / (performance.now() - began);
  }

  close(): void {
    this.agent.destroy();
  }

  private post(
    path: string,
    body: string,
    contentType: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const sent = {
      authorization: `Bearer ${this.apiKey}`,
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.url),
        { agent: this.agent, method: 'POST', headers: sent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
          response.once('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          );
        },
      );
      call.once('error', reject).end(body);
    });
  }
}
