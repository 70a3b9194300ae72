/** Starts runs over HTTP and waits for their ends, cheaply: on a small machine a caller takes time from what it measures. */
import { newId } from '@millrace/kernel';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadTimes } from './system.js';

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

  /** So many runs, so many at once. */
  async load(graph: string, runs: number, inFlight: number): Promise<LoadTimes> {
    const began = performance.now();
    const latenciesMs: number[] = [];
    let left = runs;
    const work = async (): Promise<void> => {
      while (left-- > 0) latenciesMs.push(await this.run(graph));
    };
    await Promise.all(Array.from({ length: inFlight }, work));
    return { elapsedMs: performance.now() - began, latenciesMs };
  }

  /** Starts a run and gives its id as soon as it is stored. */
  async start(graph: string, input: object = {}): Promise<string> {
    const { status, text } = await this.post('/v1/runs', JSON.stringify({ graph, input }), 'application/json');
    if (status !== 202) throw new Error(`A run was not taken (${status}): ${text}`);
    return (JSON.parse(text) as { id: string }).id;
  }

  /** Sends a signal until it is taken: while nobody owns the run, a caller is told to come again. */
  async signal(runId: string, name: string, everyMs: number): Promise<void> {
    for (;;) {
      const { status, text } = await this.post(`/v1/runs/${runId}/signals/${name}`, '{}', 'application/json');
      if (status < 300) return;
      if (status !== 503) throw new Error(`The signal was refused (${status}): ${text}`);
      await pause(everyMs);
    }
  }

  /** Looks until a run has completed. @throws Error where it ends otherwise */
  async untilCompleted(runId: string, everyMs: number): Promise<void> {
    const headers = { authorization: `Bearer ${this.apiKey}` };
    for (;;) {
      const response = await fetch(new URL(`/v1/runs/${runId}`, this.url), { headers });
      const { status, error } = (await response.json()) as { status?: string; error?: unknown };
      if (status === 'completed') return;
      if (response.ok && status !== 'running') throw new Error(`A run ended as ${status}: ${JSON.stringify(error)}`);
      await pause(everyMs);
    }
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
