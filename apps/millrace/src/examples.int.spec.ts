/** Every graph of `examples/graphs` runs as its first lines say, against the whole system. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MillraceClient } from '@millrace/client';
import type { Run } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { availableKinds, graphJsonSchema } from '@millrace/workflow';
import { eventually } from '@millrace/testing';
import { startCustomWorker } from '@millrace/worker';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guidesFolder } from './demo/guides.js';
import { TestSystem } from './host/system.fixture.js';
import { ShopDatabase } from './shop-database.fixture.js';
import { OrderService } from './order-service.fixture.js';

const folder = join(import.meta.dirname, '../../../examples/graphs');

interface Example {
  readonly input: JsonObject;
  /** What somebody does while it runs. */
  readonly meanwhile?: (client: MillraceClient, run: Run) => Promise<unknown>;
  readonly ends: unknown;
}

const examples: Readonly<Record<string, Example>> = {
  'greeting.yaml': {
    input: { name: 'Ada' },
    ends: { status: 'completed', output: { greeting: 'Hello, Ada!', echoed: true } },
  },
  'summary.yaml': {
    input: { collection: 'guides', question: 'How are tasks retried?' },
    ends: { status: 'completed', output: { citations: expect.any(Array) } },
  },
  'compare.yaml': {
    input: { collection: 'guides', questions: ['retries', 'timeouts', 'zyzzyva'] },
    ends: { status: 'completed', output: { answered: '2 of 3' } },
  },
  'polish.yaml': {
    input: { collection: 'guides', topic: 'Retries and timeouts' },
    ends: { status: 'completed', output: { article: expect.any(Object), quality: expect.any(Object) } },
  },
  'release.yaml': {
    input: { collection: 'guides', topic: 'Retries and timeouts' },
    meanwhile: async (client, { id }) => {
      const [approval] = await eventually(async () => {
        const { items } = await client.listApprovals({ run: id });
        return items.length > 0 && items;
      });
      await client.decideApproval(approval?.id ?? '', { decision: 'approve', data: { headline: 'On retries' } });
    },
    ends: { status: 'completed', output: { headline: 'On retries', text: expect.any(String) } },
  },
  'triage.yaml': {
    input: { collection: 'guides', question: 'How are zyzzyvas fed?' },
    ends: {
      status: 'completed',
      output: { way: 'find', joined: { apologise: 'Nothing is known about that (no_evidence).' } },
    },
  },
  'tolerate.yaml': {
    input: { delays: [1, -1, 2] },
    ends: {
      status: 'completed',
      output: { waited: [{ milliseconds: 1 }, { milliseconds: 2 }], failed: [1], report: 'The best of 3 was 2.' },
    },
  },
  'announce.yaml': { input: { numbers: [3, 4] }, ends: { status: 'completed', output: { sum: 7 } } },
  'assistant.yaml': {
    input: { request: 'calculate "(17 + 4) * 2", then echo {"sent": true}' },
    ends: {
      status: 'completed',
      output: {
        answer: expect.stringMatching(/^calculate: .*"value":42.*\necho: \{"sent":true\}$/),
        calls: 2,
        finished: true,
      },
    },
  },
  'researcher.yaml': {
    get input() {
      return {
        ...{ collection: 'guides', question: 'How are tasks retried, and when does the ferry leave the harbour?' },
        ...{ lookUp: ['retries and backoff', 'zyzzyva'], pages: [`http://${orders.host}/ferries`] },
      };
    },
    ends: {
      status: 'completed',
      output: {
        answer: expect.stringMatching(/at seven every morning.*\[\d\]|\[\d\].*at seven every morning/s),
        citations: expect.arrayContaining([expect.objectContaining({ quote: expect.stringContaining('ferry') })]),
        lookedUp: 3,
        finished: true,
      },
      steps: expect.arrayContaining([
        expect.objectContaining({ node: 'researcher[0].rounds[0].calls[0].find', kind: 'search', status: 'completed' }),
        expect.objectContaining({ node: 'researcher[0].rounds[0].calls[1].find', kind: 'search', status: 'failed' }),
        expect.objectContaining({
          node: 'researcher[0].rounds[0].calls[2].read',
          kind: 'browser',
          status: 'completed',
        }),
      ]),
    },
  },
  'clerk.yaml': {
    get input() {
      return { service: `http://${orders.host}`, request: 'note {"order": "A-17", "text": "Call first."}' };
    },
    meanwhile: async (client, { id }) => {
      const [approval] = await eventually(async () => {
        const { items } = await client.listApprovals({ run: id });
        return items.length > 0 && items;
      });
      expect(approval?.context).toMatchObject({ tool: 'note', arguments: { order: 'A-17', text: 'Call first.' } });
      await client.decideApproval(approval?.id ?? '', { decision: 'approve', data: {} });
    },
    ends: { status: 'completed', output: { answer: expect.stringContaining('"status":201'), calls: 1 } },
  },
  'desk.yaml': {
    input: { message: 'I would like my money back for the mug' },
    ends: { status: 'completed', output: { intent: 'refund', answer: 'We pay you back for the mug.' } },
  },
  'customers.yaml': {
    input: { atLeast: 8 },
    ends: { status: 'completed', output: { customers: [{ customer: 'Ada', orders: 2, total: 19.5 }], more: false } },
  },
  'page.yaml': {
    get input() {
      return {
        url: `http://${orders.host}/ferries`,
        collection: 'guides',
        question: 'When does the ferry leave the harbour?',
      };
    },
    ends: {
      status: 'completed',
      output: { answer: expect.stringContaining('at seven every morning'), citations: [expect.any(Object)] },
    },
  },
  'greetings.yaml': {
    input: { names: ['Ada', 'Grace'] },
    ends: { status: 'completed', output: { greetings: ['Hello, Ada!', 'Hello, Grace!'] } },
  },
  'webhook.yaml': {
    get input() {
      return { service: `http://${orders.host}`, order: 'A-17' };
    },
    ends: { status: 'completed', output: { total: 19, confirmed: true } },
  },
  'prices.yaml': {
    input: { items: [{ sku: 'mug', count: 2 }] },
    meanwhile: async () => {
      const identity = { tenantId: 'acme', worker: 'prices' };
      const execute = () => Promise.resolve({ output: { total: 19 } });
      const worker = await startCustomWorker({ ...identity, bus: system.bus, slots: 1, execute });
      ends.push(() => worker.drain({ graceMs: 1_000 }));
    },
    ends: { status: 'completed', output: { total: 19 } },
  },
  'booking.yaml': {
    input: { trip: 'A-17', pay: false },
    ends: {
      status: 'failed',
      error: { code: 'unknown_tool', node: 'pay' },
      steps: [
        { node: 'flight', status: 'completed' },
        { node: 'flight~compensate', status: 'completed' },
        { node: 'hotel', status: 'completed' },
        { node: 'hotel~compensate', status: 'completed' },
        { node: 'pay', status: 'failed' },
      ],
    },
  },
  'sharing.yaml': {
    input: { door: 'north', people: ['Ada', 'Bo', 'Cy'] },
    ends: { status: 'completed', output: ['Ada', 'Bo', 'Cy'] },
  },
  'narrow.yaml': { input: { customer: 'ada' }, ends: { status: 'completed', output: 'Report for ada' } },
  'conversation.yaml': {
    input: { message: 'Good morning' },
    ends: { status: 'completed', output: { turn: 1, answer: 'We have not met.' } },
  },
  'frugal.yaml': { input: {}, ends: { status: 'completed', output: { third: 'skipped' } } },
  'thrifty.yaml': { input: { of: 'a' }, ends: { status: 'completed', output: { first: 'a', second: 'a' } } },
  'retries.yaml': {
    input: { milliseconds: 2_000 },
    ends: {
      status: 'completed',
      output: { slow: expect.stringMatching(/^(attempt|idle)_timeout$/), wrong: 'unknown_tool' },
      steps: [
        { node: 'slow', attempts: 2 },
        { node: 'wrong', attempts: 1 },
      ],
    },
  },
  'reminder.yaml': {
    input: { invoice: 'A-17', patience: '100ms' },
    meanwhile: async (client, { id }) => {
      await eventually(
        async () => (await client.getRun(id)).steps.find(({ node }) => node === 'paid')?.status === 'waiting',
      );
      await client.signalRun(id, 'payment', { invoice: 'B-1', amount: 3 });
      await client.signalRun(id, 'payment', { invoice: 'A-17', amount: 12 });
    },
    ends: { status: 'completed', output: { paid: true, amount: 12 } },
  },
};

const orders = new OrderService();
const shop = new ShopDatabase();
const ends: (() => Promise<unknown>)[] = [];
let system: TestSystem;
let client: MillraceClient;
beforeAll(async () => {
  await orders.start();
  system = await TestSystem.start({
    MILLRACE_TOOLBOX_HTTP_ALLOW: orders.host,
    MILLRACE_RESEARCH_HTTP_ALLOW: orders.host,
    ...(await shop.start()),
  });
  client = system.client(await system.key('acme', 'editor'));
  await client.createCollection({ name: 'guides' });
  const files = readdirSync(guidesFolder).map((source) => ({
    source,
    content: readFileSync(join(guidesFolder, source), 'utf8'),
    mediaType: 'text/markdown',
  }));
  await client.uploadDocuments('guides', files);
}, 180_000);
afterAll(async () => {
  for (const end of ends) await end();
  orders.stop();
  await system[Symbol.asyncDispose]();
  await shop.stop();
});

describe('the examples', () => {
  it('are all listed here and in their README', () => {
    const files = readdirSync(folder).filter((name) => name !== 'README.md');
    expect(files.sort()).toEqual(Object.keys(examples).sort());
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const file of files) expect(readme).toContain(`\`${file}\``);
  });

  it('are there for every kind of node, which has its page and its place in the schema', () => {
    const used = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    const pages = join(import.meta.dirname, '../../../docs/graphs');
    const index = readFileSync(join(pages, 'README.md'), 'utf8');
    const schema = JSON.stringify(graphJsonSchema());
    for (const kind of availableKinds) {
      expect(readdirSync(pages)).toContain(`${kind}.md`);
      expect(index).toContain(`[${kind}](${kind}.md)`);
      expect(schema).toContain(`"const":"${kind}"`);
      expect(used.filter((text) => text.includes(`kind: ${kind}`))).not.toEqual([]);
    }
  });

  it.each(Object.entries(examples))('%s', async (file, { input, meanwhile, ends }) => {
    const text = readFileSync(join(folder, file), 'utf8');
    expect(text).toContain(`millrace run examples/graphs/${file}`);
    const { name } = await client.publishGraph({ text, format: 'yaml' });
    const run = await client.startRun({ graph: name, input });
    await meanwhile?.(client, run);
    const done = await eventually(
      async () => {
        const now = await client.getRun(run.id);
        return now.finishedAt === null ? false : now;
      },
      { timeoutMs: 60_000, describe: `${file} has ended` },
    );
    expect(done).toMatchObject({ error: null, ...(ends as JsonObject) });
  });
});
