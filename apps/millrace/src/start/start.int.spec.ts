import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunStreamItem } from '@millrace/client';
import type { JsonObject } from '@millrace/kernel';
import { eventually } from '@millrace/testing';
import fc from 'fast-check';
import { Workbench } from '../command-line.fixture.js';
import { keyIn, TestServer } from './server.fixture.js';

const waits = (id: string, milliseconds: number, needs: string[] = []) => ({
  id,
  kind: 'tool',
  needs,
  with: { tool: 'delay', arguments: { milliseconds } },
});
const graphOf = (nodes: object[]): JsonObject =>
  ({ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'waiting' }, nodes }) as unknown as JsonObject;

/** A step, then eight pages of two steps each, two pages at a time, then a step: 19 completions. */
const pages = {
  id: 'pages',
  kind: 'map',
  needs: ['first'],
  over: [1, 2, 3, 4, 5, 6, 7, 8],
  as: 'page',
  maxParallel: 2,
};
const inPages = [waits('fetch', 40), waits('read', 20, ['fetch'])];
const graph = graphOf([waits('first', 50), { ...pages, nodes: inPages }, waits('last', 50, ['pages'])]);
const completions = 19;

const workbench = new Workbench();
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start(workbench);
}, 120_000);
afterAll(async () => {
  await server.process.kill();
  workbench[Symbol.dispose]();
});

const startAgain = async () => {
  server = await TestServer.start(workbench, server.apiKey);
};

/** The items of a run's stream until one of them satisfies `isLast`, that one included. */
async function follow(runId: string, lastEventId: string | undefined, isLast: (items: RunStreamItem[]) => boolean) {
  const items: RunStreamItem[] = [];
  for await (const item of server.client.streamRun(runId, { lastEventId })) {
    items.push(item);
    if (isLast(items)) break;
  }
  return items;
}
const eventsIn = (items: RunStreamItem[]) => items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
const nodesOf = (type: string, items: RunStreamItem[]) =>
  eventsIn(items).flatMap(({ type: actual, data }) => (actual === type ? [data['node']] : []));
const toTheEnd = () => false;

describe('a server for an operator', () => {
  it('serves its health and metrics on a port of their own, and logs to a file', async () => {
    const logFile = join(workbench.folder, 'logs/millrace.log');
    const server = workbench.millrace(['start', '--port', '0', '--health-port', '0', '--data', 'operated', '--json'], {
      MILLRACE_LOG_FILE: logFile,
    });
    const { url, healthUrl } = await eventually(
      () => JSON.parse(server.output.standard) as { url: string; healthUrl: string },
      { timeoutMs: 60_000, describe: 'the server listens' },
    );
    expect(new URL(healthUrl).port).not.toBe(new URL(url).port);
    expect((await fetch(`${healthUrl}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${healthUrl}/metrics`)).text()).toContain('millrace_');
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    await server.kill('SIGTERM');
    expect(await server.result()).toMatchObject({ code: 0, error: expect.stringMatching(/^SIGTERM: draining/) });
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('drained');
  });

  it('does not start with a log file that cannot be written', async () => {
    writeFileSync(join(workbench.folder, 'file'), '');
    const { code, error } = await workbench
      .millrace(['start', '--port', '0', '--data', 'unlogged'], { MILLRACE_LOG_FILE: 'file/millrace.log' })
      .result();
    expect(error).toContain('MILLRACE_LOG_FILE: nothing can be written to file/millrace.log');
    expect(code).toBe(1);
  });
});

describe('a running server', () => {
  it('printed a key that is good for everything', async () => {
    expect(keyIn(server.process.output.standard)).toBe(server.apiKey);
    expect(await server.client.listKeys()).toMatchObject({ items: [{ role: 'admin' }] });
    expect(server.process.output.error).not.toContain(server.apiKey);
  });

  it('keeps its port: another start says which and what to do', async () => {
    const { port } = new URL(server.url);
    const { code, error } = await workbench.millrace(['start', '--port', port, '--data', 'other']).result();
    expect(error).toBe(
      `Port ${port} on 127.0.0.1 is in use. Stop the program that uses it, or choose another port with --port. (port_in_use)\n`,
    );
    expect(code).toBe(1);
  });

  it('keeps its data: another start says which process has it', async () => {
    const { code, error } = await workbench.millrace(['start', '--port', '0', '--data', 'data']).result();
    expect(error).toContain(`in use by process ${server.process.pid}.`);
    expect(error).toContain('(data_folder_in_use)');
    expect(code).toBe(1);
  });
});

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const moments = fc.sample(fc.integer({ min: 1, max: completions - 2 }), { numRuns: 3, seed });

describe(`a server that is killed in the middle of a run (SEED=${seed})`, () => {
  it.each(moments)(
    'after step %i goes on where it stopped, and keeps what it accepted',
    async (moment) => {
      const idempotencyKey = `killed-after-${moment}-${Math.random()}`;
      const { id } = await server.client.startRun({ graph, input: {} }, { idempotencyKey });
      const before = await follow(id, undefined, (items) => nodesOf('NodeCompleted', items).length >= moment);
      const accepted = await server.client.startRun({ graph: 'fanout', input: {} });
      await server.process.kill('SIGKILL');

      await startAgain();
      expect(keyIn(server.process.output.standard)).toBeUndefined();
      expect(await server.client.startRun({ graph, input: {} }, { idempotencyKey })).toMatchObject({ id });
      const after = await follow(id, before.at(-1)?.id, toTheEnd);

      const whole = [...before, ...after];
      expect(eventsIn(whole).map(({ position }) => position)).toEqual(eventsIn(whole).map((_, index) => index + 1));
      expect((await server.client.listRunEvents(id, { limit: 200 })).items).toEqual(eventsIn(whole));
      for (const type of ['NodeScheduled', 'NodeCompleted']) {
        const nodes = nodesOf(type, whole);
        expect(nodes).toHaveLength(completions);
        expect(new Set(nodes).size).toBe(completions);
      }
      const run = await server.client.getRun(id);
      expect(run.status).toBe('completed');
      expect(run.steps.map(({ node, attempts, status }) => [node, attempts, status])).toEqual(
        run.steps.map(({ node }) => [node, 1, 'completed']),
      );

      await follow(accepted.id, undefined, toTheEnd);
      expect(await server.client.getRun(accepted.id)).toMatchObject({ status: 'completed' });
    },
    120_000,
  );
});

describe('a server that is told to stop', () => {
  const untilScheduled = (items: RunStreamItem[]) => nodesOf('NodeScheduled', items).length > 0;

  it('ends what it does and exits 0; the rest goes on with the next start', async () => {
    const { id } = await server.client.startRun({
      graph: graphOf([waits('first', 300), waits('last', 10, ['first'])]),
      input: {},
    });
    await follow(id, undefined, untilScheduled);
    await server.process.kill('SIGINT');
    expect(await server.process.result()).toMatchObject({
      code: 0,
      error: expect.stringContaining('SIGINT: draining'),
    });

    await startAgain();
    await follow(id, undefined, toTheEnd);
    expect(await server.client.getRun(id)).toMatchObject({ status: 'completed' });
  }, 120_000);

  it('exits at once when it is told again', async () => {
    const { id } = await server.client.startRun({ graph: graphOf([waits('first', 60_000)]), input: {} });
    await follow(id, undefined, untilScheduled);
    process.kill(server.process.pid, 'SIGINT');
    await eventually(() => server.process.output.error.includes('again to exit at once'));
    await server.process.kill('SIGINT');
    expect(await server.process.result()).toMatchObject({ code: 130 });
  });

  it('says where it listens as one JSON document', async () => {
    const started = workbench.millrace(['start', '--json', '--port', '0', '--data', 'data']);
    await eventually(() => started.output.standard.endsWith('}\n'), { timeoutMs: 60_000 });
    await started.kill();
    const said: unknown = JSON.parse(started.output.standard);
    expect(said).toMatchObject({ url: expect.stringMatching(/^http:/), apiKey: null });
  });
});
