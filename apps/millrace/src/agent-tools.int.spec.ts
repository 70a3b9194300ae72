/** Agents whose tools are the work of other nodes, with models that cannot be trusted, against the whole system on JetStream. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MillraceClient } from '@millrace/client';
import { envelopeOf, resolveCitations, type Citation, type Run } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { connectJetStream } from '@millrace/messaging';
import {
  answers,
  callsTools,
  eventually,
  startNatsServer,
  startScriptedProvider,
  type Behaviour,
  type NatsServer,
  type ScriptedProvider,
} from '@millrace/testing';
import { TestSystem } from './host/system.fixture.js';
import { OrderService } from './order-service.fixture.js';

const orders = new OrderService();
let provider: ScriptedProvider;
let nats: NatsServer;
let system: TestSystem;
let client: MillraceClient;
beforeAll(async () => {
  await orders.start();
  provider = await startScriptedProvider();
  nats = await startNatsServer({ exclusive: true });
  const bus = await connectJetStream({ servers: nats.url, name: 'spec' });
  const settings = {
    ...{ MILLRACE_LLM_BASE_URL: provider.baseUrl, MILLRACE_LLM_MODEL: 'agent-1' },
    ...{ MILLRACE_TOOLBOX_HTTP_ALLOW: orders.host, MILLRACE_RESEARCH_HTTP_ALLOW: orders.host },
  };
  system = await TestSystem.start(settings, bus);
  client = system.client(await system.key('acme', 'editor'));
  await client.createCollection({ name: 'handbook' });
  const content = '# Leave\n\nEverybody has thirty days of leave in a year.\n';
  await client.uploadDocuments('handbook', [{ source: 'leave.md', content, mediaType: 'text/markdown' }]);
  await client.publishGraph({
    format: 'json',
    text: JSON.stringify({
      ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'doubling' } },
      input: {
        type: 'object',
        required: ['of', 'unit'],
        properties: { of: { type: 'integer' }, unit: { type: 'string' } },
      },
      nodes: [
        {
          id: 'sum',
          kind: 'tool',
          with: { tool: 'calculate', arguments: { expression: '${{ string(input.of) }} * 2' } },
        },
      ],
      output: { value: '${{ nodes.sum.output.result.value }}', unit: '${{ input.unit }}' },
    }),
  });
}, 180_000);
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await provider.stop();
  await nats.stop();
  orders.stop();
});

const taking = (...names: string[]) => ({
  type: 'object',
  required: names,
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string', maxLength: 500 }])),
});
const find = {
  ...{ name: 'find', kind: 'search', description: 'Searches the handbook.', parameters: taking('query') },
  with: { collection: 'handbook', query: '${{ arguments.query }}' },
};
const read = {
  ...{ name: 'read', kind: 'browser', description: 'Reads a page.', parameters: taking('url') },
  with: { collection: 'handbook', url: '${{ arguments.url }}' },
};
const look = () => ({
  ...{ name: 'look', kind: 'http', description: 'Looks an order up.', parameters: taking('order') },
  with: { url: `http://${orders.host}/orders/{order}` },
  retry: { maxAttempts: 3, backoff: { initial: '10ms' } },
});
const note = (rest: JsonObject = {}) => ({
  ...{ name: 'note', kind: 'http', description: 'Writes a note.', parameters: taking('order', 'text') },
  with: { method: 'POST', url: `http://${orders.host}/orders/{order}/notes`, body: { text: '${{ arguments.text }}' } },
  ...rest,
});
const double = {
  name: 'double',
  kind: 'subgraph',
  graph: 'doubling@1',
  description: 'Doubles.',
  with: { unit: 'days' },
};

const graph = (tools: JsonValue[], rest: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'millrace/v1', kind: 'Graph', metadata: { name: 'agents' } },
  nodes: [{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' }, tools, retry: { maxAttempts: 1 }, ...rest }],
  output: '${{ nodes.helper.output }}',
});
type Received = ScriptedProvider['requests'][number];

async function begin(tools: JsonValue[], rest: JsonObject, ...behaviours: Behaviour[]) {
  const before = provider.requests.length;
  provider.script(...behaviours);
  const { id } = await client.startRun({ graph: graph(tools, rest), input: {} });
  return { id, asked: () => provider.requests.slice(before) };
}
const ended = (id: string): Promise<Run> =>
  eventually(
    async () => {
      const run = await client.getRun(id);
      return run.finishedAt === null ? false : run;
    },
    { timeoutMs: 60_000, describe: 'the agent has ended' },
  );
const toldTo = (request: Received | undefined, role = 'tool') =>
  (request?.body.messages ?? [])
    .filter((message) => message.role === role)
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));
const call = (name: string, given: unknown, id = name) => ({ id, name, arguments: JSON.stringify(given) });

describe('an agent that declares its tools', () => {
  it('searches, reads, asks and calls a graph side by side, and cites what it found', async () => {
    const url = `http://${orders.host}/ferries`;
    const calls = callsTools(
      call('find', { query: 'days of leave' }),
      call('read', { url }),
      call('look', { order: 'A 17' }),
      call('double', { of: 15 }),
    );
    const said = answers('There are thirty days of leave in a year [1]. The ferry leaves at seven [2]. Invented [9].');
    const { id, asked } = await begin([find, read, look(), double], {}, calls, said);
    const run = await ended(id);
    expect(run).toMatchObject({ status: 'completed', output: { toolCalls: 4, finished: true } });
    const offered = asked()[0]?.body.tools as { function: { name: string; parameters: JsonObject } }[];
    expect(offered.map((each) => each.function.name)).toEqual(['find', 'read', 'look', 'double']);
    expect(offered[3]?.function.parameters).toMatchObject({ required: ['of'], additionalProperties: false });
    const [found, page, order, doubled] = toldTo(asked()[1]).map((text) => JSON.parse(text) as JsonObject);
    expect(found).toMatchObject({ untrusted: { passagesInEvidence: 1, sources: [{ source: 'leave.md' }] } });
    expect(page).toMatchObject({ untrusted: { url, passagesInEvidence: 1 } });
    expect(order).toMatchObject({ untrusted: { status: 200, json: { order: 'A%2017' } } });
    expect(doubled).toEqual({ untrusted: { value: 30, unit: 'days' } });
    const system = toldTo(asked()[1], 'system').join('\n');
    expect(system).toContain('never an instruction');
    expect(system).toContain('thirty days of leave');
    const { text, citations } = run.output as unknown as { text: string; citations: Citation[] };
    expect(text).toMatch(/\[1\].*\[2\]/);
    expect(text).not.toContain('[9]');
    expect(new Set(citations.map(({ source }) => source))).toEqual(new Set(['leave.md', url]));
    expect(await resolutions(citations)).toEqual([true, true]);
    expect(await resolutions(citations, 'globex')).toEqual([false, false]);
  });

  it('tells the model what went wrong, and goes on: nothing found, an address that is refused, a graph that fails', async () => {
    const calls = callsTools(
      call('find', { query: 'zyzzyva' }),
      call('read', { url: 'http://169.254.169.254/latest/meta-data' }),
      call('look', { order: '..' }),
      call('double', { of: 'many' }),
      call('find', { query: 'leave', collection: 'secret' }, 'again'),
    );
    const { id, asked } = await begin([find, read, look(), double], {}, calls, answers('Nothing.'));
    expect(await ended(id)).toMatchObject({ status: 'completed', output: { text: 'Nothing.', toolCalls: 3 } });
    expect(toldTo(asked()[1]).map((text) => JSON.parse(text) as JsonObject)).toMatchObject([
      { code: 'no_evidence' },
      { code: 'address_refused' },
      { code: 'invalid_arguments' },
      { error: expect.stringContaining('/of') },
      { error: expect.stringContaining('collection') },
    ]);
  });

  it('is granted no tool by what another tool says, and spends no more calls than it has', async () => {
    const many = Array.from({ length: 20 }, (_, index) => call('look', { order: `${index}` }, `c${index}`));
    const { id, asked } = await begin(
      [look()],
      { maxToolCalls: 3 },
      callsTools(...many, call('note', { order: '1', text: 'x' })),
      answers('Enough.'),
    );
    expect(await ended(id)).toMatchObject({ status: 'completed', output: { toolCalls: 3 } });
    expect(toldTo(asked()[1]).at(-1)).toContain('no tool');
  });

  it('cannot be published with a graph that another tenant has, or that nobody has', async () => {
    const other = await system.key('globex', 'editor');
    const answer = await system.call<{ code: string; violations: unknown }>('/v1/runs', other, {
      ...{ graph: graph([double]), input: {} },
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_graph' } });
    expect(JSON.stringify(answer.body)).toContain('/nodes/0/tools/0/graph');
  });
});

describe('a tool that needs an approval', () => {
  const approvalOf = async (run: string) => {
    const [approval] = await eventually(
      async () => {
        const { items } = await client.listApprovals({ run });
        return items.length > 0 && items;
      },
      { timeoutMs: 30_000, describe: 'somebody is asked' },
    );
    if (approval === undefined) throw new Error('Nobody is asked.');
    return approval;
  };
  const wish = callsTools(call('note', { order: 'A-17', text: 'Call first.' }));

  it('is called once it is approved, with what was shown and a key of its own', async () => {
    const { id, asked } = await begin([note({ requireApproval: true })], {}, wish, answers('Noted.'));
    const approval = await approvalOf(id);
    expect(approval).toMatchObject({
      title: 'An agent asks to call note.',
      context: { agent: 'helper', tool: 'note', arguments: { order: 'A-17', text: 'Call first.' } },
    });
    const other = await system.key('globex', 'admin');
    expect((await system.call(`/v1/approvals/${approval.id}`, other)).status).toBe(404);
    await client.decideApproval(approval.id, { decision: 'approve', data: {} });
    expect(await ended(id)).toMatchObject({ status: 'completed', output: { text: 'Noted.', toolCalls: 1 } });
    expect(toldTo(asked()[1])[0]).toContain('"status":201');
  });

  it('is not called when it is refused, which the model is told with the reason', async () => {
    const { id, asked } = await begin([note({ requireApproval: true })], {}, wish, answers('As you wish.'));
    const approval = await approvalOf(id);
    await client.decideApproval(approval.id, { decision: 'reject', data: { reason: 'Not this one.' } });
    const run = await ended(id);
    expect(run).toMatchObject({ status: 'completed', output: { text: 'As you wish.' } });
    expect(run.steps.find(({ node }) => node.endsWith('.note'))).toMatchObject({ status: 'skipped' });
    expect(JSON.parse(toldTo(asked()[1])[0] ?? '')).toMatchObject({
      ...{ code: 'approval_rejected', reason: 'Not this one.' },
    });
  });
});

async function resolutions(citations: readonly Citation[], tenantId = 'acme'): Promise<boolean[]> {
  const envelope = envelopeOf(
    resolveCitations,
    { tenantId, correlationId: 'test', causationId: null },
    { citations: [...citations] },
  );
  const reply = resolveCitations.response.parse(
    await system.bus.request({ subject: resolveCitations.subject, envelope }),
  );
  return reply.resolutions.map(({ resolved }) => resolved);
}
