/** Asks an endpoint of OpenAI's shape, so many calls at once, over connections that stay open. */
import { Agent, request } from 'node:http';

export interface Endpoint {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** What is before the model's own name there: `here/`. */
  readonly modelPrefix: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Load {
  readonly endpoint: Endpoint;
  /** `text-20`: an answer of twenty pieces. */
  readonly model: string;
  readonly stream: boolean;
  readonly calls: number;
  readonly atOnce: number;
}

export interface LoadFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Median time to the first piece of text, of streams; NaN of whole answers. */
  readonly firstChunkMs: number;
}

interface CallTimes {
  readonly wholeMs: number;
  readonly firstMs: number;
}

/** @throws Error when a call is not answered with 200, or a stream has no end mark */
export async function putUnder(load: Load): Promise<LoadFigures> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.atOnce });
  const times: CallTimes[] = [];
  let left = load.calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) times.push(await call(load, agent));
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: load.atOnce }, caller));
  const seconds = (performance.now() - began) / 1_000;
  agent.destroy();
  const sorted = times.map(({ wholeMs }) => wholeMs).sort((left, right) => left - right);
  const firsts = times.map(({ firstMs }) => firstMs).sort((left, right) => left - right);
  return {
    perSecond: times.length / seconds,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    firstChunkMs: quantile(firsts, 0.5),
  };
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const messages = [{ role: 'user', content: 'Write twenty words about herons.' }];

function call({ endpoint, model, stream }: Load, agent: Agent): Promise<CallTimes> {
  const body = JSON.stringify({ model: endpoint.modelPrefix + model, messages, stream, max_tokens: 5_000 });
  const headers = {
    ...endpoint.headers,
    authorization: `Bearer ${endpoint.apiKey}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const options = { agent, method: 'POST', headers };
    const asked = request(`${endpoint.baseUrl}/chat/completions`, options, (response) => {
      let firstMs = Number.NaN;
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (stream && Number.isNaN(firstMs) && text.includes('"content":"word')) firstMs = performance.now() - began;
      });
      response.once('error', reject).once('end', () => {
        const isWhole = response.statusCode === 200 && (!stream || text.includes('[DONE]'));
        if (isWhole) resolve({ wholeMs: performance.now() - began, firstMs });
        else reject(new Error(`${response.statusCode}: ${text.slice(0, 300)}`));
      });
    });
    asked.once('error', reject).end(body);
  });
}
