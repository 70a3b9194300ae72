import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  cancelRun,
  envelopeOf,
  getGraph,
  getRun,
  listGraphs,
  listRunEvents,
  listRuns,
  publishGraph,
  startRun,
  validateGraph,
  type CommandContract,
} from '@millrace/contracts';
import type { DatabaseBackend } from '@millrace/database';
import { createInProcessBus } from '@millrace/messaging';
import { startService, type RunningService } from '@millrace/service';
import { createLogger, parseLogLevels } from '@millrace/telemetry';
import { backendKinds, testBackend } from '@millrace/testing';
import { orchestratorService } from './index.js';
import { contextOf, newRunId } from './orchestrator.fixture.js';
import { diamond, instant } from './run/graphs.fixture.js';
import { orchestratorMigrations } from './schema/migrations/index.js';

jest.setTimeout(60_000);

describe.each(backendKinds)('the orchestrator as a service on %s', (kind) => {
  const bus = createInProcessBus();
  let backend: DatabaseBackend;
  let service: RunningService;

  beforeAll(async () => {
    backend = await testBackend(kind, [{ service: 'orchestrator', migrations: orchestratorMigrations }]);
    const logger = createLogger({ levels: parseLogLevels('fatal') });
    service = await startService(orchestratorService, { environment: {}, bus, backend, logger });
  });
  afterAll(async () => {
    await service.drain({ graceMs: 1_000 });
    await bus.drain({ graceMs: 100 });
    await backend.close();
  });

  async function ask<Request, Response>(
    contract: CommandContract<Request, Response>,
    data: Request,
    tenantId = 'acme',
  ): Promise<Response> {
    const envelope = envelopeOf(contract, contextOf(tenantId), data);
    return contract.response.parse(await bus.request({ subject: contract.subject, envelope }));
  }

  const named = (name: string, output: string) =>
    JSON.stringify({ ...instant, metadata: { name }, nodes: [{ id: 'here', kind: 'transform', output }] });

  it('ships graphs to every tenant', async () => {
    for (const tenant of ['acme', 'other']) {
      const { items } = await ask(listGraphs, { limit: 200 }, tenant);
      expect(items.map((graph) => graph.name)).toEqual(expect.arrayContaining(['content', 'diamond', 'fanout']));
    }
    const graph = await ask(getGraph, { name: 'content' });
    expect(graph).toMatchObject({ name: 'content', version: 1, document: { kind: 'Graph' } });
    const run = await ask(startRun, { runId: newRunId(), graph: 'diamond@1', input: {} });
    expect(run).toMatchObject({ status: 'running', graph: { name: 'diamond', version: 1 } });
  });

  it('publishes versions: the same document again is the same version', async () => {
    const first = await ask(publishGraph, { source: named('versions', 'one') });
    const second = await ask(publishGraph, { source: named('versions', 'two') });
    const again = await ask(publishGraph, { source: named('versions', 'one') });
    expect([first.version, second.version, again]).toEqual([1, 2, first]);
    expect((await ask(getGraph, { name: 'versions' })).version).toBe(2);
    expect((await ask(getGraph, { name: 'versions', version: 1 })).digest).toBe(first.digest);
    const newest = await ask(startRun, { runId: newRunId(), graph: 'versions', input: {} });
    const pinned = await ask(startRun, { runId: newRunId(), graph: 'versions@1', input: {} });
    expect([newest.output, pinned.output, pinned.graph.digest]).toEqual(['two', 'one', first.digest]);
    await expect(ask(getGraph, { name: 'versions', version: 9 })).rejects.toMatchObject({ code: 'unknown_graph' });
  });

  it('gives every one of many simultaneous publishes a number of its own', async () => {
    const published = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(publishGraph, { source: named('crowd', `${index}`) })),
    );
    expect(published.map((graph) => graph.version).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it("continues a shipped graph's numbers for the tenant that publishes under its name", async () => {
    const own = await ask(publishGraph, { source: named('fanout', 'mine') }, 'customiser');
    expect(own.version).toBe(2);
    expect((await ask(getGraph, { name: 'fanout' }, 'customiser')).digest).toBe(own.digest);
    expect((await ask(getGraph, { name: 'fanout' }, 'acme')).version).toBe(1);
    expect((await ask(getGraph, { name: 'fanout', version: 1 }, 'customiser')).digest).not.toBe(own.digest);
  });

  it('keeps the graphs of tenants apart', async () => {
    await ask(publishGraph, { source: named('secret', 'x') }, 'other');
    await expect(ask(getGraph, { name: 'secret' })).rejects.toMatchObject({ code: 'unknown_graph' });
    const { items } = await ask(listGraphs, { limit: 200 });
    expect(items.map((graph) => graph.name)).not.toContain('secret');
    const refused = ask(startRun, { runId: newRunId(), graph: 'secret', input: {} });
    await expect(refused).rejects.toMatchObject({ code: 'unknown_graph' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringMatching(/are:.*secret/) as unknown });
    const own = await ask(publishGraph, { source: named('secret', 'y') });
    expect(own.version).toBe(1);
  });

  it('says what is wrong with a graph', async () => {
    const broken = JSON.stringify({ ...diamond, nodes: [{ id: 'a', kind: 'tool', needs: ['b'] }] });
    const { valid, violations } = await ask(validateGraph, { source: broken });
    expect([valid, violations.length > 0]).toEqual([false, true]);
    await expect(ask(publishGraph, { source: broken })).rejects.toMatchObject({ code: 'invalid_graph', violations });
    await expect(ask(publishGraph, { source: '{' })).rejects.toMatchObject({ code: 'invalid_graph' });
    expect(await ask(validateGraph, { source: JSON.stringify(diamond) })).toEqual({ valid: true, violations: [] });
  });

  it('pages through graphs by name', async () => {
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask(listGraphs, { limit: 2, ...(cursor !== undefined && { cursor }) });
      names.push(...page.items.map((graph) => graph.name));
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toEqual(expect.arrayContaining(['content', 'crowd', 'versions']));
    await expect(ask(listGraphs, { limit: 2, cursor: 'NOT A NAME' })).rejects.toMatchObject({ code: 'invalid_cursor' });
  });

  it('keeps an inline graph for its run and lists it nowhere', async () => {
    const run = await ask(startRun, { runId: newRunId(), graph: instant, input: {} });
    expect(run.graph.name).toMatch(/^inline-[0-9a-f]{32}$/);
    const { items } = await ask(listGraphs, { limit: 200 });
    expect(items.map((graph) => graph.name)).not.toContain(run.graph.name);
    await expect(ask(getGraph, { name: run.graph.name })).rejects.toMatchObject({ code: 'unknown_graph' });
  });

  it('pages through runs, newest first, and filters them', async () => {
    const started: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const run = await ask(
        startRun,
        { runId: newRunId(), graph: index % 2 === 0 ? instant : diamond, input: {} },
        'pager',
      );
      started.unshift(run.id);
    }
    const first = await ask(listRuns, { limit: 2 }, 'pager');
    const second = await ask(listRuns, { limit: 3, cursor: first.cursor ?? '' }, 'pager');
    expect(second.cursor).toBeNull();
    expect([...first.items, ...second.items].map((run) => run.id).sort()).toEqual([...started].sort());
    const times = [...first.items, ...second.items].map((run) => run.createdAt);
    expect(times).toEqual([...times].sort().reverse());
    const completed = await ask(listRuns, { limit: 50, status: 'completed' }, 'pager');
    expect(completed.items).toHaveLength(3);
    const inline = first.items[0]?.graph.name ?? '';
    const ofGraph = await ask(listRuns, { limit: 50, graph: inline }, 'pager');
    expect(ofGraph.items.every((run) => run.graph.name === inline)).toBe(true);
    await expect(ask(listRuns, { limit: 2, cursor: 'x' }, 'pager')).rejects.toMatchObject({ code: 'invalid_cursor' });
    expect((await ask(listRuns, { limit: 50 }, 'nobody')).items).toEqual([]);
  });

  it('gives the events of a run page by page, and says when there are no more', async () => {
    const run = await ask(startRun, { runId: newRunId(), graph: instant, input: {} });
    const first = await ask(listRunEvents, { runId: run.id, after: 0, limit: 1 });
    expect(first).toMatchObject({ events: [{ position: 1, type: 'RunStarted' }], done: false });
    const rest = await ask(listRunEvents, { runId: run.id, after: 1, limit: 100 });
    expect(rest.done).toBe(true);
    expect(rest.events.at(-1)?.type).toBe('RunCompleted');
    const last = rest.events.at(-1)?.position ?? 0;
    expect(await ask(listRunEvents, { runId: run.id, after: last, limit: 10 })).toEqual({ events: [], done: true });
    const open = await ask(startRun, { runId: newRunId(), graph: diamond, input: {} });
    expect((await ask(listRunEvents, { runId: open.id, after: 0, limit: 100 })).done).toBe(false);
  });

  it('answers for a run that the tenant does not have as if there were none', async () => {
    const run = await ask(startRun, { runId: newRunId(), graph: diamond, input: {} });
    const asked = [
      ask(getRun, { runId: run.id }, 'other'),
      ask(cancelRun, { runId: run.id, reason: 'x' }, 'other'),
      ask(listRunEvents, { runId: run.id, after: 0, limit: 1 }, 'other'),
    ];
    for (const each of asked) await expect(each).rejects.toMatchObject({ code: 'unknown_run', kind: 'not-found' });
    expect(await ask(getRun, { runId: run.id })).toMatchObject({ status: 'running' });
    expect(await ask(cancelRun, { runId: run.id, reason: 'mine' })).toMatchObject({ status: 'cancelled' });
  });
});
