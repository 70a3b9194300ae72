/** Agents with tools that are the work of other nodes. */
import { describe, expect, it } from '@jest/globals';
import type { ChatMessage, TaskOutcome, ToolCall } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { digestOf } from '../document/digest.js';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun } from '../testing/test-run.js';

const text = (rest: JsonObject = {}): JsonObject => ({ type: 'string', ...rest });
const taking = (properties: JsonObject, required = Object.keys(properties)): JsonObject => ({
  parameters: { type: 'object', required, properties },
});

const find: JsonObject = {
  ...{ name: 'find', kind: 'search', description: 'Searches the handbook.' },
  ...taking({ query: text({ maxLength: 100 }) }),
  with: { query: '${{ arguments.query }}', collection: '${{ input.collection }}', limit: 5 },
};
const read: JsonObject = {
  ...{ name: 'read', kind: 'browser', description: 'Reads a page.' },
  ...taking({ url: text() }),
  with: { url: '${{ arguments.url }}', collection: 'pages' },
};
const order: JsonObject = {
  ...{ name: 'order', kind: 'http', description: 'Changes an order.' },
  ...taking({ id: text(), note: text() }),
  with: { method: 'POST', url: 'https://shop.example/orders/{id}/notes', body: { note: '${{ arguments.note }}' } },
};
const rows: JsonObject = {
  ...{ name: 'rows', kind: 'database', description: 'Counts.' },
  ...taking({ city: text(), least: { type: 'integer', minimum: 1, default: 3 } }, ['city']),
  with: {
    source: 'shop',
    sql: 'select name from customer where city = $1 and orders >= $2',
    parameters: ['${{ arguments.city }}', '${{ arguments.least }}'],
  },
};
const quote: JsonObject = {
  ...{ name: 'quote', kind: 'worker', worker: 'prices', description: 'Quotes.', timeout: { total: '1m' } },
  ...taking({ sku: text() }),
  with: { sku: '${{ arguments.sku }}', currency: 'EUR' },
};
const child = graphOf(
  [{ id: 'say', kind: 'llm', with: { messages: [{ role: 'user', content: '${{ input.of }}' }] } }],
  {
    metadata: { name: 'child' },
    input: {
      type: 'object',
      required: ['of', 'tone'],
      properties: { of: text(), tone: text(), size: { type: 'integer', default: 2 } },
    },
    output: { said: '${{ nodes.say.output.text }}', tone: '${{ input.tone }}', size: '${{ input.size }}' },
  },
);
const pinned = { name: 'child', version: 3, digest: digestOf(child), document: child };
const explain: JsonObject = {
  ...{ name: 'explain', kind: 'subgraph', graph: 'child@3', pinned, description: 'Explains.' },
  with: { tone: 'calm' },
};

const graph = (tools: JsonValue[], rest: JsonObject = {}): JsonObject =>
  graphOf([{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' }, tools, retry: { maxAttempts: 1 }, ...rest }], {
    input: { type: 'object', properties: { collection: text({ default: 'handbook' }) } },
    output: '${{ nodes.helper.output }}',
  });

function begun(tools: JsonValue[], rest: JsonObject = {}): TestRun {
  expect(validateGraph(graph(tools, rest))).toMatchObject({ graph: expect.anything() });
  const run = new TestRun(graph(tools, rest));
  run.start({});
  return run;
}
const says = (said: string, toolCalls: readonly ToolCall[] = [], costUsd = 0): TaskOutcome => ({
  status: 'completed',
  output: {
    text: said,
    json: null,
    citations: [],
    model: 'test/model',
    ...(toolCalls.length > 0 && { toolCalls: [...toolCalls] }),
  },
  usage: { promptTokens: 1, completionTokens: 1, costUsd },
});
const call = (name: string, given: JsonValue, id = name): ToolCall => ({ id, name, arguments: JSON.stringify(given) });
const model = (round: number) => `helper[0].rounds[${round}].model`;
const at = (round: number, index: number, name: string) => `helper[0].rounds[${round}].calls[${index}].${name}`;
const inputOf = (run: TestRun, node: string) => run.tasks().find((task) => task.node === node)?.input as JsonObject;
const answersTo = (run: TestRun, round: number) =>
  (inputOf(run, model(round))['messages'] as unknown as ChatMessage[]).flatMap((message) =>
    message.role === 'tool' ? [JSON.parse(message.content) as JsonValue] : [],
  );
const passage = (start: number, source = 'a.md') => ({
  ...{ documentId: 'd', snapshotSha256: 'a'.repeat(64), start, end: start + 4, chunkId: `c${start}` },
  ...{ source, title: 'A', headings: [], text: 'text', score: 1 },
});

describe('the tools that an agent declares', () => {
  it('are offered with their parameters, called with what their author fixed, and never wait for the toolbox', () => {
    const run = begun([find, read, order, rows, quote, explain]);
    const tools = inputOf(run, model(0))['tools'] as JsonObject[];
    expect(tools.map(({ name }) => name)).toEqual(['find', 'read', 'order', 'rows', 'quote', 'explain']);
    expect(tools[0]).toEqual({
      ...{ name: 'find', description: 'Searches the handbook.' },
      parameters: {
        ...{ type: 'object', required: ['query'], additionalProperties: false },
        properties: { query: { type: 'string', maxLength: 100 } },
      },
    });
    expect(tools[5]?.['parameters']).toMatchObject({
      required: ['of'],
      properties: { of: { type: 'string' }, size: { type: 'integer' } },
    });
    expect(JSON.stringify(tools[5])).not.toContain('tone');
    run.result(
      model(0),
      says('', [
        call('find', { query: 'leave' }),
        call('read', { url: 'https://a.example/' }),
        call('order', { id: '7/../8', note: 'fragile' }),
        call('rows', { city: 'Oslo' }),
        call('quote', { sku: 's1' }),
        call('explain', { of: 'rain' }),
      ]),
    );
    const tasks = run.tasks();
    expect(tasks).toMatchObject([
      { node: at(0, 0, 'find'), kind: 'search', input: { query: 'leave', collection: 'handbook', limit: 5 } },
      { node: at(0, 1, 'read'), kind: 'browser', input: { url: 'https://a.example/', collection: 'pages' } },
      {
        node: at(0, 2, 'order'),
        kind: 'http',
        input: { method: 'POST', url: 'https://shop.example/orders/7%2F..%2F8/notes', body: { note: 'fragile' } },
      },
      { node: at(0, 3, 'rows'), kind: 'database', input: { source: 'shop', parameters: ['Oslo', 3] } },
      { node: at(0, 4, 'quote'), kind: 'worker', worker: 'prices', input: { sku: 's1', currency: 'EUR' } },
      { node: `${at(0, 5, 'explain')}[0].say`, kind: 'llm', input: { messages: [{ content: 'rain' }] } },
    ]);
    const keys = tasks.slice(0, 5).map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(5);
    expect(keys[2]).toMatch(/helper\[0\]\.rounds\[0\]\.calls\[2\]\.order$/);
    run.result(at(0, 0, 'find'), completed({ query: 'leave', passages: [passage(0), passage(9)], coverage: 1 }));
    run.result(
      at(0, 1, 'read'),
      completed({ url: 'https://a.example/', title: 'A', characters: 4, passages: [passage(0)], truncated: false }),
    );
    run.result(
      at(0, 2, 'order'),
      completed({ status: 201, headers: { a: 'b' }, body: '{}', encoding: 'text', json: { ok: true }, url: 'u' }),
    );
    run.result(at(0, 3, 'rows'), completed({ rows: [{ name: 'Ada' }], columns: ['name'], truncated: false }));
    const gone = { node: at(0, 4, 'quote'), attempt: 1, outcome: failed('sold_out', false), worker: 'prices' };
    run.send({ type: 'task-result', ...gone, now: run.tick(), random: 0.5 });
    run.result(`${at(0, 5, 'explain')}[0].say`, completed({ text: 'Water falls.' }));
    expect(answersTo(run, 1)).toEqual([
      { untrusted: { query: 'leave', coverage: 1, passagesInEvidence: 2, sources: [{ source: 'a.md', title: 'A' }] } },
      { untrusted: expect.objectContaining({ url: 'https://a.example/', passagesInEvidence: 1 }) },
      { untrusted: { status: 201, url: 'u', json: { ok: true } } },
      { untrusted: { rows: [{ name: 'Ada' }], columns: ['name'], truncated: false } },
      { error: 'It broke.', code: 'sold_out' },
      { untrusted: { said: 'Water falls.', tone: 'calm', size: 2 } },
    ]);
    // Each passage once, for the model to cite.
    expect(inputOf(run, model(1))['evidence']).toMatchObject([{ start: 0 }, { start: 9 }]);
    run.result(model(1), says('Done.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { text: 'Done.', toolCalls: 6, finished: true } });
    expect(run.view().steps.map(({ node, kind }) => `${node} ${kind}`)).toContain(`${at(0, 5, 'explain')}[0].say llm`);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('stand beside tools of the toolbox', () => {
    const run = begun(['echo', find]);
    expect(run.tasks()).toMatchObject([{ node: 'helper[0].tools', input: { arguments: { names: ['echo'] } } }]);
    // Whatever the toolbox says, what is declared is as it is declared.
    const tools = ['echo', 'find'].map((name) => ({
      name,
      description: 'Of the toolbox.',
      arguments: { type: 'object' },
    }));
    run.result('helper[0].tools', completed({ result: { tools } }));
    expect(inputOf(run, model(0))['tools']).toMatchObject([
      { name: 'echo', description: 'Of the toolbox.' },
      { name: 'find', description: 'Searches the handbook.' },
    ]);
    run.result(model(0), says('', [call('echo', { a: 1 }), call('find', { query: 'q' })]));
    expect(run.tasks().map(({ node, kind }) => `${node} ${kind}`)).toEqual([
      `${at(0, 0, 'call')} tool`,
      `${at(0, 1, 'find')} search`,
    ]);
  });

  it.each<[string, JsonObject, ToolCall, RegExp]>([
    [
      'a field that is not declared',
      find,
      call('find', { query: 'q', collection: 'secret' }),
      /do not fit.*collection/,
    ],
    ['a value of another type', find, call('find', { query: 7 }), /do not fit: \/query/],
    ['a value beyond its bounds', find, call('find', { query: 'x'.repeat(101) }), /do not fit: \/query/],
    ['nothing', find, call('find', {}), /do not fit: \/query/],
    ['a field that the author fixed', explain, call('explain', { of: 'x', tone: 'rude' }), /do not fit.*tone/],
    [
      'a field for the prototype',
      find,
      { ...call('find', {}), arguments: '{"query":"q","__proto__":{}}' },
      /not allowed/,
    ],
    ['the name of its inner step', find, call('approval', {}), /no tool/],
  ])('with %s are not called, and the model is told', (_what, tool, wish, message) => {
    const run = begun([tool]);
    run.result(model(0), says('', [wish]));
    expect(run.tasks().map(({ node }) => node)).toEqual([model(1)]);
    expect(JSON.stringify(answersTo(run, 1))).toMatch(message);
    run.result(model(1), says('Well.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { toolCalls: 0 } });
  });

  it.each(['..', '.', '', '../..'])('never lead an address elsewhere: %j', (id) => {
    const run = begun([{ ...order, with: { url: 'https://shop.example/orders/{id}' } }]);
    run.result(model(0), says('', [call('order', { id, note: '' })]));
    const [task] = run.tasks();
    if (task?.kind === 'http') expect(task.input).toEqual({ url: 'https://shop.example/orders/..%2F..' });
    else expect(answersTo(run, 1)).toMatchObject([{ code: 'invalid_arguments' }]);
  });

  it('count towards the budget of the agent, the graphs that it calls with all that is in them', () => {
    const run = begun([explain], { budget: { usd: 0.1 }, onExhausted: 'best', maxRounds: 5 });
    run.result(model(0), says('Asking.', [call('explain', { of: 'rain' })], 0.01));
    run.result(`${at(0, 0, 'explain')}[0].say`, {
      ...completed({ text: 'Water.' }),
      usage: { promptTokens: 1, completionTokens: 1, costUsd: 0.2 },
    } as TaskOutcome);
    // Without the graph's money another round would begin.
    expect(run.state).toMatchObject({ status: 'completed', output: { reason: 'budget', text: 'Asking.' } });
  });

  it('see what their agent sees, wherever it stands, and the agents beside it nothing of it', () => {
    const inner = {
      ...{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' } },
      tools: [{ ...find, with: { query: '${{ arguments.query + item }}', collection: '${{ nodes.first.output }}' } }],
      needs: ['first'],
    };
    const first = { id: 'first', kind: 'transform', output: 'c-${{ index }}' };
    const document = graphOf([{ id: 'each', kind: 'map', over: ['a', 'b'], nodes: [first, inner] }]);
    expect(validateGraph(document)).toMatchObject({ graph: expect.anything() });
    const run = new TestRun(document);
    run.start({});
    for (const index of [0, 1])
      run.result(`each[${index}].helper[0].rounds[0].model`, says('', [call('find', { query: 'q' })]));
    expect(run.tasks().map(({ input }) => input)).toMatchObject([
      { query: 'qa', collection: 'c-0' },
      { query: 'qb', collection: 'c-1' },
    ]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('run side by side within maxParallel', () => {
    const run = begun([find], { maxParallel: 2 });
    run.result(
      model(0),
      says(
        '',
        ['a', 'b', 'c'].map((query) => call('find', { query }, query)),
      ),
    );
    expect(run.tasks()).toHaveLength(2);
    run.result(at(0, 1, 'find'), completed({ query: 'b', passages: [], coverage: 0 }));
    expect(run.tasks().map(({ node }) => node)).toEqual([at(0, 0, 'find'), at(0, 2, 'find')]);
  });

  it('are bounded in what a model is told of them', () => {
    const run = begun([rows]);
    run.result(model(0), says('', [call('rows', { city: 'x' })]));
    run.result(at(0, 0, 'rows'), completed({ rows: [{ name: 'x'.repeat(500_000) }], columns: [], truncated: false }));
    const told = JSON.stringify(inputOf(run, model(1))['messages']);
    expect(told.length).toBeLessThan(22_000);
    expect(told).toContain('{\\"untrusted\\":');
  });
});

describe('a tool that needs an approval', () => {
  const asked = (requireApproval: JsonValue = true) => {
    const run = begun([{ ...order, requireApproval }, find]);
    run.result(model(0), says('', [call('order', { id: '7', note: 'n' }), call('find', { query: 'q' })]));
    return run;
  };
  const by = { keyId: 'key_1', role: 'editor' } as const;

  it('waits with its arguments for a decision, while other calls go on', () => {
    const run = asked();
    expect(run.tasks().map(({ node }) => node)).toEqual([at(0, 1, 'find')]);
    const requested = run.events.find(({ type }) => type === 'ApprovalRequested');
    expect(requested?.data).toMatchObject({
      node: at(0, 0, 'approval'),
      title: 'An agent asks to call order.',
      context: { agent: 'helper', tool: 'order', arguments: { id: '7', note: 'n' } },
      assignees: ['role:editor'],
    });
    run.decide(at(0, 0, 'approval'), 'approve', { by });
    expect(run.tasks().map(({ node }) => node)).toContain(at(0, 0, 'order'));
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is not called when it is refused, which the model is told as such', () => {
    const run = asked();
    run.decide(at(0, 0, 'approval'), 'reject', { by, data: { reason: 'Not today.' } });
    expect(run.tasks().map(({ node }) => node)).toEqual([at(0, 1, 'find')]);
    run.result(at(0, 1, 'find'), completed({ query: 'q', passages: [], coverage: 0 }));
    expect(answersTo(run, 1)[0]).toEqual({
      error: 'The call of order was refused: it was not made.',
      ...{ code: 'approval_rejected', reason: 'Not today.' },
    });
    run.result(model(1), says('So be it.'));
    expect(run.state).toMatchObject({ status: 'completed', output: { toolCalls: 2 } });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is refused when nobody decides in time', () => {
    const run = asked({ deadline: '5m', assignees: ['role:admin'] });
    run.result(at(0, 1, 'find'), completed({ query: 'q', passages: [], coverage: 0 }));
    for (const timer of run.timers().filter(({ node }) => node === at(0, 0, 'approval'))) run.fire(timer);
    expect(answersTo(run, 1)[0]).toMatchObject({ code: 'approval_expired' });
  });
});
