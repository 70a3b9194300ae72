/** Calls of the HTTP interface as any client makes them, so that the traces begin where a caller's request arrives. */
import { eventually } from '@millrace/testing';

export class Api {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  async call<Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Body> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.apiKey}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Body;
  }

  /** The same interface with a key that nobody has used yet, so that the first request has to look it up. */
  async withNewKey(): Promise<Api> {
    const { secret } = await this.call<{ secret: string }>('POST', '/v1/keys', { name: 'traced', role: 'editor' });
    return new Api(this.url, secret);
  }

  get key(): string {
    return this.apiKey;
  }

  /** Starts a run and gives it as it ended. `correlationId` finds its trace. */
  async run(graph: string, input: object, correlationId: string): Promise<{ id: string; status: string }> {
    const { id } = await this.call<{ id: string }>('POST', '/v1/runs', { graph, input }, idOf(correlationId));
    return eventually(
      async () => {
        const run = await this.call<{ id: string; status: string }>('GET', `/v1/runs/${id}`);
        return ['completed', 'failed', 'cancelled'].includes(run.status) && run;
      },
      { timeoutMs: 60_000, describe: 'the run ends' },
    );
  }
}

const idOf = (correlationId: string) => ({ 'x-correlation-id': correlationId });
