/** Runs of agents whose tools are the work of other nodes. */
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { digestOf } from '../document/digest.js';
import { costs, started, type Scenarios } from './scenario-parts.js';
import { completed, failed, graphOf } from './test-run.js';

const text = { type: 'string' };
const child = graphOf([{ id: 'say', kind: 'tool', with: { tool: 'echo', arguments: { of: '${{ input.of }}' } } }], {
  metadata: { name: 'child' },
  input: { type: 'object', required: ['of'], properties: { of: text } },
  output: '${{ nodes.say.output.result }}',
});
const pinned = { name: 'child', version: 1, digest: digestOf(child), document: child };
const tools: JsonValue[] = [
  'echo',
  {
    ...{ name: 'find', kind: 'search', description: 'Finds.' },
    parameters: { type: 'object', required: ['query'], properties: { query: text } },
    with: { collection: 'docs', query: '${{ arguments.query }}' },
  },
  {
    ...{ name: 'send', kind: 'http', description: 'Sends.', requireApproval: true },
    parameters: { type: 'object', required: ['to'], properties: { to: text } },
    with: { method: 'POST', url: 'https://example.com/{to}' },
  },
  { name: 'ask', kind: 'subgraph', graph: 'child', pinned, description: 'Asks.' },
];

const says = (said: string, ...calls: (readonly [string, JsonObject])[]): JsonObject => ({
  ...{ text: said, json: null, citations: [], model: 'test/model' },
  ...{ finishReason: calls.length > 0 ? 'tool-calls' : 'stop' },
  toolCalls: calls.map(([name, given], index) => ({ id: `c${index}`, name, arguments: JSON.stringify(given) })),
});
const passage = {
  ...{ documentId: 'd', snapshotSha256: 'a'.repeat(64), start: 0, end: 4, chunkId: 'c' },
  ...{ source: 'a.md', title: 'A', headings: [], text: 'text', score: 1 },
};

export const agentScenarios: Scenarios = {
  'agent-tools': () => {
    const agent = { id: 'helper', kind: 'agent', with: { prompt: 'Help.' }, tools, retry: { maxAttempts: 1 } };
    const run = started([{ ...agent, budget: { usd: 5 } }], { output: '${{ nodes.helper.output.text }}' });
    run.result('helper[0].tools', completed({ result: { tools: [{ name: 'echo', arguments: { type: 'object' } }] } }));
    const round = (number: number) => `helper[0].rounds[${number}]`;
    const first = says(
      'Looking.',
      ...([
        ['find', { query: 'q' }],
        ['send', { to: 'ada' }],
        ['send', { to: 'bo' }],
        ['ask', { of: 'x' }],
        ['echo', { a: 1 }],
        ['find', { words: 'unknown' }],
      ] as const),
    );
    run.result(`${round(0)}.model`, costs(0.1, first));
    run.result(`${round(0)}.calls[0].find`, completed({ query: 'q', passages: [passage], coverage: 1 }));
    run.decide(`${round(0)}.calls[1].approval`, 'approve');
    run.decide(`${round(0)}.calls[2].approval`, 'reject', { data: { reason: 'No.' } });
    run.result(`${round(0)}.calls[1].send`, failed('http_404', false));
    run.result(`${round(0)}.calls[3].ask[0].say`, completed({ result: { of: 'x' } }));
    run.result(`${round(0)}.calls[4].call`, completed({ result: { a: 1 } }));
    run.result(`${round(1)}.model`, costs(0.1, says('Done.')));
    return run;
  },
};
