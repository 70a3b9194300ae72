/** What a call through OpenAI's endpoint costs, with authentication, the ledger and a budget on, beside the same model asked directly. */
import { startCluster, type Cluster } from '@millrace/cluster';
import { MillraceClient } from '@millrace/client';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { usageOf } from '../process-usage.js';
import { putUnder, type Endpoint, type Load, type LoadFigures } from './load.js';
import { startPortkey } from './portkey.js';
import { startUpstream, type Upstream } from './upstream.js';

export interface EndpointFigures {
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly rps1: number;
  readonly rps16: number;
  readonly rps32: number;
  readonly rps64: number;
  readonly p99Ms32: number;
  /** Added to the first piece of a stream of twenty, one call at a time. */
  readonly firstChunkMs: number;
  readonly streamRps32: number;
  /** The whole of a stream of two thousand pieces, one at a time. */
  readonly longStreamMs: number;
  /** Over all processes of the side, its servers included; NaN of the model itself. */
  readonly cpuUsPerRequest: number;
  readonly rssMb: number;
}

export interface LlmFigures {
  readonly direct: EndpointFigures;
  readonly millrace: EndpointFigures;
  readonly portkey?: EndpointFigures;
}

export interface LlmBench {
  /** Also Portkey's gateway, before the same model. */
  readonly peers: boolean;
  readonly report: (text: string) => void;
}

const callsOf = { warm: 300, one: 400, many: 1_500, stream: 600, long: 20 };

export async function benchLlm({ peers, report }: LlmBench): Promise<LlmFigures> {
  await using upstream = await startUpstream();
  report('the model itself');
  const direct = { baseUrl: upstream.baseUrl, apiKey: 'none', modelPrefix: '' };
  const bare = await measure(direct, () => Promise.resolve(nothing));
  const millrace = figuresOf(await measureMillrace(upstream, report), bare);
  const sides = { direct: figuresOf(bare, bare), millrace };
  if (!peers) return sides;
  await using portkey = await startPortkey(upstream.baseUrl, report);
  report('Portkey');
  return { ...sides, portkey: figuresOf(await measure(portkey.endpoint, () => usageOf([portkey.pid])), bare) };
}

async function measureMillrace(upstream: Upstream, report: (text: string) => void): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-llm-'));
  try {
    const modelsFile = join(folder, 'models.yaml');
    const provider = `{ name: here, kind: openai-compatible, baseUrl: "${upstream.baseUrl}", concurrency: 256 }`;
    const prices = [20, 2_000].map(
      (n) => `{ model: here/text-${n}, inputUsdPerMillion: 0.01, outputUsdPerMillion: 0.01 }`,
    );
    await writeFile(modelsFile, `providers: [${provider}]\nprices: [${prices.join(', ')}]\n`);
    report('starting every service');
    await using cluster = await startCluster({ folder, environment: () => ({ MILLRACE_LLM_MODELS_FILE: modelsFile }) });
    const apiKey = await cluster.createKey('bench', 'admin');
    await new MillraceClient({ baseUrl: cluster.url, apiKey }).models.setBudget({ usdPerMonth: 1_000_000 });
    report('Millrace');
    return await measure({ baseUrl: `${cluster.url}/openai/v1`, apiKey, modelPrefix: 'here/' }, () => costOf(cluster));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Cost {
  readonly cpuMs: number;
  readonly memoryMiB: number;
}

const nothing: Cost = { cpuMs: Number.NaN, memoryMiB: Number.NaN };

interface Measured {
  readonly one: LoadFigures;
  readonly by16: LoadFigures;
  readonly by32: LoadFigures;
  readonly by64: LoadFigures;
  readonly stream: LoadFigures;
  readonly streams32: LoadFigures;
  readonly long: LoadFigures;
  readonly cpuUsPerRequest: number;
  readonly rssMb: number;
}

async function measure(endpoint: Endpoint, cost: () => Promise<Cost>): Promise<Measured> {
  const whole = (atOnce: number, calls: number): Load => ({ endpoint, model: 'text-20', stream: false, calls, atOnce });
  const streams = (atOnce: number, calls: number): Load => ({ ...whole(atOnce, calls), stream: true });
  await putUnder(whole(16, callsOf.warm));
  await putUnder(streams(16, callsOf.warm));
  const one = await putUnder(whole(1, callsOf.one));
  const by16 = await putUnder(whole(16, callsOf.many));
  const before = await cost();
  const by32 = await putUnder(whole(32, callsOf.many));
  const after = await cost();
  return {
    one,
    by16,
    by32,
    by64: await putUnder(whole(64, callsOf.many)),
    stream: await putUnder(streams(1, callsOf.one)),
    streams32: await putUnder(streams(32, callsOf.stream)),
    long: await putUnder({ ...streams(1, callsOf.long), model: 'text-2000' }),
    cpuUsPerRequest: ((after.cpuMs - before.cpuMs) * 1_000) / callsOf.many,
    rssMb: after.memoryMiB,
  };
}

/** Of the processes that such a call goes through. */
async function costOf(cluster: Cluster): Promise<Cost> {
  const services = cluster.processes.filter(({ service }) => service === 'gateway' || service === 'llm-provider');
  const servers = [cluster.nats, cluster.postgres].flatMap((server) => (server?.pid === undefined ? [] : [server.pid]));
  return await usageOf([...services.map(({ pid }) => pid), ...servers]);
}

function figuresOf(measured: Measured, bare: Measured): EndpointFigures {
  return {
    addedP50Ms: measured.one.p50Ms - bare.one.p50Ms,
    addedP99Ms: measured.one.p99Ms - bare.one.p99Ms,
    rps1: measured.one.perSecond,
    rps16: measured.by16.perSecond,
    rps32: measured.by32.perSecond,
    rps64: measured.by64.perSecond,
    p99Ms32: measured.by32.p99Ms,
    firstChunkMs: measured.stream.firstChunkMs - bare.stream.firstChunkMs,
    streamRps32: measured.streams32.perSecond,
    longStreamMs: measured.long.p50Ms,
    cpuUsPerRequest: measured.cpuUsPerRequest,
    rssMb: measured.rssMb,
  };
}
