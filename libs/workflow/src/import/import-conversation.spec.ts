import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { completed, TestRun } from '../testing/test-run.js';
import { importConversation } from './import-conversation.js';

const node = (id: string, name: string, value = '', rest: object = {}) => [
  id,
  { resource: { id: `uuid-${id}`, name }, attribute: { value, task: `task ${id}`, directed: true }, ...rest },
];
const edge = (from: string, to: string, intent: string | null, rest: object = {}) => [
  from,
  to,
  { intent, attribute: { weight: 1, pred: intent !== null, definition: '', sample_utterances: [], ...rest } },
];

const shop = {
  nodes: [
    node('0', 'MessageWorker', 'Hello! How can I help?', { type: 'start', limit: 1 }),
    node('1', 'FaissRAGWorker', 'Which products are there?'),
    node('2', 'Refund Tool'),
    node('3', 'MessageWorker', 'Your ${{ refund }} is under way.'),
    node('9', 'MessageWorker', 'Nobody comes here.'),
  ],
  edges: [
    edge('0', '1', 'User wants to know about products', {
      sample_utterances: ['What do you sell?', 'Which mugs are there?'],
    }),
    edge('0', '2', 'User wants a refund', {
      weight: 2,
      definition: 'Money back',
      sample_utterances: ['I want my money back'],
    }),
    edge('2', '3', 'None'),
    edge('3', '0', null),
  ],
};

const imported = (file: unknown) => {
  const result = importConversation(file, 'shop');
  if ('violations' in result) throw new Error(JSON.stringify(result.violations));
  return result;
};

describe('importing a conversation graph', () => {
  it('makes routers of intents, workers of resources, and text of what is said', () => {
    const { document, warnings } = imported(shop);
    expect(document).toMatchObject({
      apiVersion: 'millrace/v1',
      metadata: { name: 'shop' },
      nodes: [
        { id: 'step-0', kind: 'transform', needs: [], output: 'Hello! How can I help?' },
        {
          ...{ id: 'step-0-intent', kind: 'router', needs: ['step-0'], with: { text: '${{ input.message }}' } },
          intents: [
            {
              name: 'user-wants-a-refund',
              description: 'User wants a refund. Money back',
              examples: ['I want my money back'],
              then: ['step-2'],
            },
            {
              name: 'user-wants-to-know-about-products',
              examples: ['What do you sell?', 'Which mugs are there?'],
              then: ['step-1'],
            },
          ],
        },
        { id: 'step-1', kind: 'worker', worker: 'faiss-ragworker', needs: ['step-0-intent'] },
        { id: 'step-2', kind: 'worker', worker: 'refund-tool', needs: ['step-0-intent'], with: { task: 'task 2' } },
        { id: 'step-3', kind: 'transform', needs: ['step-2'], output: 'Your $${{ refund }} is under way.' },
        { id: 'answer', kind: 'combine', needs: ['step-1', 'step-3'] },
      ],
    });
    expect(warnings).toEqual([
      "The way from '3' back to '0' is left out: a run is one turn.",
      "The node '9' is left out: nothing leads to it.",
    ]);
  });

  it('runs: the intent decides, and what it leads to answers', () => {
    const run = new TestRun(imported(shop).document);
    run.start({ message: 'I want my money back' });
    run.result(
      'step-0-intent',
      completed({ intent: 'user-wants-a-refund', confidence: 1, slots: {}, missing: [], model: 'm' }),
    );
    expect(run.tasks()).toMatchObject([
      { worker: 'refund-tool', input: { message: 'I want my money back', task: 'task 2' } },
    ]);
    run.send({
      ...{ type: 'task-result', node: 'step-2', attempt: 1, outcome: completed({ paid: true }), worker: 'refund-tool' },
      ...{ now: run.tick(), random: 0 },
    });
    expect(run.state).toMatchObject({ status: 'completed', output: { answers: ['Your ${{ refund }} is under way.'] } });
  });

  it.each<[unknown, string]>([
    [null, ''],
    [[], ''],
    [{}, '/nodes'],
    [{ nodes: [] }, '/nodes'],
    [{ nodes: [['a']] }, '/nodes/0'],
    [
      {
        nodes: [
          ['a', {}],
          ['a', {}],
        ],
      },
      '/nodes',
    ],
    [{ nodes: [['a', {}]], edges: [['a', 'b', {}]] }, '/edges/0/1'],
    [{ nodes: [['a', {}]], edges: [['a', 'a']] }, '/edges/0'],
    [{ nodes: [['a', { attribute: { value: 7 } }]] }, '/nodes/0/1/attribute/value'],
  ])('says what is wrong with %j', (file, pointer) => {
    const result = importConversation(file, 'x');
    expect('violations' in result && result.violations[0]?.pointer.startsWith(pointer)).toBe(true);
  });

  it('makes of every conversation a graph that is valid and ends, or says what is wrong', () => {
    const ids = fc.constantFrom('0', '1', '2', '3', 'Größe', 'größe', 'a b', '${{ x }}');
    const arbitrary = fc.record({
      nodes: fc.uniqueArray(
        fc.tuple(
          ids,
          fc.record({ resource: fc.record({ name: fc.string() }), attribute: fc.record({ value: fc.string() }) }),
        ),
        {
          selector: ([id]) => id,
          minLength: 1,
        },
      ),
      edges: fc.array(fc.tuple(ids, ids, fc.record({ intent: fc.option(fc.string()) })), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(arbitrary, (file) => {
        const known = new Set(file.nodes.map(([id]) => id));
        const edges = file.edges.filter(([from, to]) => known.has(from) && known.has(to));
        const result = importConversation(JSON.parse(JSON.stringify({ ...file, edges })), 'x');
        if ('violations' in result) {
          expect(JSON.stringify(result.violations)).toMatch(/cannot be stored|needs? each other|at most/);
          return;
        }
        const run = new TestRun(result.document);
        run.start({ message: 'hi' });
        expect(run.state.status).toMatch(/running|completed/);
      }),
      { numRuns: 300 },
    );
  });

  it('is done in moments with a chain of a thousand', () => {
    const nodes = Array.from({ length: 990 }, (_, index) => node(String(index), 'MessageWorker', 'x'));
    const edges = Array.from({ length: 989 }, (_, index) => edge(String(index), String(index + 1), null));
    expect(imported({ nodes, edges }).warnings).toEqual([]);
  });
});
