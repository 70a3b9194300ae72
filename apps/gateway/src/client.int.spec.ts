import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MillraceClient, type RunStreamItem } from '@millrace/client';
import {
  createCollection,
  ingestDocument,
  listCollections,
  listDocuments,
  listGraphs,
  listRuns,
  publishGraph,
  routeList,
  searchCollection,
  validateGraph,
} from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import { deferred, eventually } from '@millrace/testing';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { TestGateway } from './gateway.fixture.js';
import { ScriptedOrchestrator } from './orchestrator.fixture.js';

let gateway: TestGateway;
let orchestrator: ScriptedOrchestrator;
let client: MillraceClient;
beforeAll(async () => {
  gateway = await TestGateway.start({ environment: { MILLRACE_STREAM_POLL_MS: '200' } });
  orchestrator = await new ScriptedOrchestrator(gateway.bus).listen();
  client = new MillraceClient({ baseUrl: gateway.url, apiKey: gateway.keys.admin.secret });
});
afterEach(() => {
  orchestrator.beforeStart = undefined;
  orchestrator.starts.length = 0;
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const at = '2026-01-01T00:00:00.000Z';
const body = { graph: 'content', input: { topic: 'mills' } };
const clientAt = (baseUrl: string, apiKey = gateway.keys.admin.secret) =>
  new MillraceClient({ baseUrl, apiKey, attempts: 2 });

/** Passes bytes on to the gateway and can cut every connection, as a bad network does. */
class BreakableProxy {
  private readonly sockets = new Set<Socket>();
  private constructor(
    readonly url: string,
    private readonly server: Server,
    sockets: Set<Socket>,
  ) {
    this.sockets = sockets;
  }

  static async start(target: string): Promise<BreakableProxy> {
    const { hostname, port } = new URL(target);
    const sockets = new Set<Socket>();
    const server = createServer((inbound) => {
      const outbound = connect(Number(port), hostname);
      for (const socket of [inbound, outbound]) sockets.add(socket.on('error', () => undefined));
      inbound.pipe(outbound).pipe(inbound);
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, '127.0.0.1', resolve);
    await promise;
    const address = server.address();
    const own = typeof address === 'object' && address ? address.port : 0;
    return new BreakableProxy(`http://127.0.0.1:${own}`, server, sockets);
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  stop(): void {
    this.cut();
    this.server.close();
  }
}

const methodsOf = (client: object): string[] => Object.getOwnPropertyNames(Object.getPrototypeOf(client));

describe('the client', () => {
  it('has a method for each route that holds something of a tenant', () => {
    const methods = new Set(Object.getOwnPropertyNames(MillraceClient.prototype));
    const { threads, webhooks, models } = new MillraceClient({ baseUrl: 'http://127.0.0.1:1', apiKey: 'none' });
    for (const name of methodsOf(models)) methods.add(name);
    const short: readonly [object, Readonly<Record<string, string>>][] = [
      [
        threads,
        {
          listThreads: 'list',
          getThread: 'get',
          deleteThread: 'delete',
          getThreadState: 'state',
          patchThreadState: 'patch',
          listThreadHistory: 'history',
        },
      ],
      [
        webhooks,
        {
          createWebhook: 'create',
          listWebhooks: 'list',
          getWebhook: 'get',
          updateWebhook: 'update',
          deleteWebhook: 'delete',
          rotateWebhookSecret: 'rotateSecret',
          testWebhook: 'test',
          listWebhookDeliveries: 'deliveries',
          redeliverWebhook: 'redeliver',
        },
      ],
    ];
    for (const [client, names] of short)
      for (const [route, method] of Object.entries(names)) if (methodsOf(client).includes(method)) methods.add(route);
    const missing = routeList
      // Those below /openai are for the clients of OpenAI.
      .filter(({ role, name, path }) => role !== 'public' && !path.startsWith('/openai/') && !methods.has(name))
      .map(({ name }) => name);
    expect(missing).toEqual([]);
  });

  it('starts, waits for, reads and cancels runs', async () => {
    const waiting = client.startRun(body, { waitSeconds: 30 });
    await eventually(() => orchestrator.starts.length === 1);
    orchestrator.commit(orchestrator.starts[0]?.runId ?? '', [['RunCompleted', { output: null }]]);
    expect(await waiting).toMatchObject({ status: 'completed' });
    const { id } = await client.startRun(body);
    expect(await client.getRun(id)).toMatchObject({ id, status: 'running' });
    expect(await client.cancelRun(id)).toMatchObject({ status: 'cancelled' });
    const events = await client.listRunEvents(id, { limit: 1 });
    expect(events.items.map(({ type }) => type)).toEqual(['RunStarted']);
    const rest = await client.listRunEvents(id, { cursor: events.cursor ?? '' });
    expect(rest).toMatchObject({ items: [{ type: 'RunCancelled' }], cursor: null, done: true });
  });

  it('translates to the other services and back', async () => {
    const graph = { name: 'tiny', version: 1, digest: 'b'.repeat(64), description: '', createdAt: at };
    const collection = { name: 'guides', description: '', documents: 0, chunks: 0, createdAt: at };
    await orchestrator.respond(publishGraph, ({ source }) => ({ ...graph, document: { source } }));
    await orchestrator.respond(validateGraph, () => ({
      valid: false,
      violations: [{ pointer: '/nodes', message: 'is missing' }],
    }));
    await orchestrator.respond(listGraphs, () => ({ items: [graph], cursor: 'next' }));
    await orchestrator.respond(listRuns, () => ({ items: [], cursor: null }));
    await orchestrator.respond(createCollection, () => ({ collection, created: true }));
    await orchestrator.respond(listCollections, ({ limit }) => ({
      items: [{ ...collection, documents: limit }],
      cursor: null,
    }));
    await orchestrator.respond(listDocuments, () => ({ items: [], cursor: null }));
    await orchestrator.respond(searchCollection, ({ limit }) => ({ passages: [], coverage: limit / 100 }));
    await orchestrator.respond(ingestDocument, ({ source }) => {
      const document = {
        id: 'doc',
        collection: 'guides',
        source,
        title: '',
        mediaType: 'text/plain',
        snapshotSha256: 'x',
        characters: 1,
        chunks: 1,
        createdAt: at,
      };
      return { document, outcome: 'created' as const };
    });
    const text = 'nodes: {} # kept as it is\n';
    expect(await client.publishGraph({ text, format: 'yaml' })).toMatchObject({ document: { source: text } });
    expect(await client.validateGraph({ text: '{ }', format: 'json' })).toMatchObject({ valid: false });
    expect(await client.listGraphs({ limit: 1 })).toMatchObject({ items: [{ name: 'tiny' }], cursor: 'next' });
    expect(await client.listRuns({ status: 'failed' })).toEqual({ items: [], cursor: null });
    expect(await client.createCollection({ name: 'guides' })).toEqual(collection);
    expect(await client.listCollections({ limit: 7 })).toMatchObject({ items: [{ documents: 7 }] });
    expect(await client.listDocuments('guides')).toEqual({ items: [], cursor: null });
    expect(await client.searchCollection('guides', { query: 'mill' })).toEqual({ passages: [], coverage: 0.1 });
    const uploaded = await client.uploadDocuments('guides', [{ source: 'deep/a.md', content: '# A' }]);
    expect(uploaded).toMatchObject([{ source: 'deep/a.md', outcome: 'created' }]);
    const source = `"it's" 100 %22.md`;
    expect(await client.uploadDocuments('guides', [{ source, content: '# A' }])).toMatchObject([{ source }]);
    const several = ['b.md', 'c.md'].map((source) => ({ source, content: '# B' }));
    expect(await client.uploadDocuments('guides', several)).toMatchObject(several.map(({ source }) => ({ source })));
  });

  it('makes, lists and revokes keys', async () => {
    const { id, secret } = await client.createKey({ name: 'short-lived', role: 'viewer' });
    const viewer = clientAt(gateway.url, secret);
    await expect(viewer.listKeys()).rejects.toMatchObject({ kind: 'forbidden', code: 'role_too_low' });
    expect((await client.listKeys()).items.map((key) => key.id)).toContain(id);
    expect(await client.revokeKey(id)).toMatchObject({ id, revokedAt: expect.any(String) });
    await expect(viewer.getRun(`run_${'0'.repeat(32)}`)).rejects.toMatchObject({ kind: 'unauthenticated' });
  });

  it('gives the error of the server with its violations', async () => {
    const refused = client.startRun({ graph: 'Not A Name' });
    await expect(refused).rejects.toBeInstanceOf(MillraceError);
    await expect(refused).rejects.toMatchObject({
      kind: 'invalid',
      code: 'invalid_body',
      violations: [{ pointer: '/graph', message: 'must be NAME, NAME@VERSION or NAME@ALIAS' }],
    });
  });

  it('says that nobody is there, that it took too long, that it was cancelled', async () => {
    await expect(clientAt('http://127.0.0.1:1').readiness()).rejects.toMatchObject({ code: 'server_unreachable' });
    expect(() => clientAt('no address')).toThrow('no address');
    const gate = deferred<void>();
    orchestrator.beforeStart = () => gate.promise;
    const short = new MillraceClient({ baseUrl: gateway.url, apiKey: gateway.keys.admin.secret, attempts: 1 });
    await expect(short.startRun(body, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'request_timeout' });
    const caller = new AbortController();
    const call = client.startRun(body, { signal: caller.signal });
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: 'request_cancelled' });
    gate.resolve();
  });

  it('asks again after a failure that may pass, and starts one run', async () => {
    let failures = 1;
    orchestrator.beforeStart = () =>
      failures-- > 0
        ? Promise.reject(new MillraceError('unavailable', 'database_unavailable', 'Not now.'))
        : Promise.resolve();
    const { id } = await client.startRun(body);
    // What the callers before gave up on may arrive only now.
    expect(orchestrator.starts.filter(({ runId }) => runId === id)).toHaveLength(2);
    expect(failures).toBe(-1);
  });

  it('streams on through cut connections, with nothing missed and nothing twice', async () => {
    const proxy = await BreakableProxy.start(gateway.url);
    const { id } = await client.startRun(body);
    const items: RunStreamItem[] = [];
    const done = (async () => {
      for await (const item of clientAt(proxy.url).streamRun(id)) items.push(item);
    })();
    for (let round = 0; round < 3; round += 1) {
      orchestrator.commit(id, [['NodeCompleted', { node: `n${round}` }]]);
      await orchestrator.emit(id, `t${round} `);
      await eventually(() => items.length === 3 + round * 2);
      proxy.cut();
    }
    orchestrator.commit(id, [['RunCompleted', { output: null }]]);
    await done;
    proxy.stop();
    const positions = items.flatMap((item) => (item.kind === 'event' ? [item.event.position] : []));
    const text = items.map((item) => (item.kind === 'token' ? item.token.text : '')).join('');
    expect(positions).toEqual([1, 2, 3, 4, 5]);
    expect(text).toBe('t0 t1 t2 ');
    const again: RunStreamItem[] = [];
    for await (const item of client.streamRun(id, { lastEventId: items.at(-1)?.id })) again.push(item);
    expect(again).toEqual([]);
  });

  it('stops a stream when it is told to, and refuses an unknown run at once', async () => {
    const { id } = await client.startRun(body);
    const caller = new AbortController();
    const stream = client.streamRun(id, { signal: caller.signal });
    await stream.next();
    caller.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: 'request_cancelled' });
    await expect(client.streamRun(`run_${'0'.repeat(32)}`).next()).rejects.toMatchObject({ code: 'unknown_run' });
  });
});
