/** Runs of every kind of node. */
import type { JsonObject } from '@millrace/kernel';
import { digestOf } from '../document/digest.js';
import { started, costs, step, fire, type Scenarios } from './scenario-parts.js';
import { completed, failed, graphOf, tool } from './test-run.js';

export const nodeScenarios: Scenarios = {
  workers: () => {
    const nodes: JsonObject[] = [
      { id: 'find', kind: 'search', with: { collection: 'docs', query: '${{ input.topic }}' } },
      { id: 'page', kind: 'browser', with: { url: 'https://example.com/', collection: 'docs' } },
      { id: 'ask', kind: 'http', with: { url: 'https://example.com/' }, cache: { ttl: '1h' } },
      { id: 'rows', kind: 'database', with: { source: 'shop', sql: 'select 1' }, estimate: { usd: 0.5 } },
      { id: 'write', kind: 'llm', needs: ['find'], with: { prompt: 'content/outline@1', variables: {} } },
      {
        id: 'score',
        kind: 'evaluate',
        needs: ['write'],
        with: { suite: 'seo', article: { title: 'A', description: 'B', markdown: 'C' } },
      },
      { id: 'quote', kind: 'worker', worker: 'prices', timeout: { total: '1m' } },
    ];
    const run = started(nodes, { output: '${{ nodes.write.output }}' }, { topic: 'mills' });
    for (const node of ['page', 'find', 'ask', 'rows', 'write']) run.result(node, costs(0.25, { of: node }));
    const outcome = completed({ total: 1 });
    run.send({ type: 'task-result', node: 'quote', attempt: 1, worker: 'prices', outcome, now: run.tick(), random: 0 });
    run.result('score', completed({ score: 0.5 }));
    return run;
  },
  router: () => {
    const intents: JsonObject[] = [
      { name: 'refund', description: 'Wants money back.', then: ['pay'] },
      { name: 'track', examples: ['Where is it?'], then: ['look'] },
    ];
    const run = started(
      [
        { id: 'desk', kind: 'router', with: { text: '${{ input.text }}' }, intents, fallback: ['human'] },
        ...['pay', 'look', 'human'].map((id) => step(id, ['desk'])),
      ],
      {},
      { text: 'Where is it?' },
    );
    run.result('desk', completed({ intent: 'track', confidence: 0.9, slots: {}, missing: [], model: 'extractive' }));
    return run;
  },
  computed: () =>
    started(
      [
        step('a', [], { n: '${{ input.n * 2 }}' }),
        {
          id: 'b',
          kind: 'branch',
          needs: ['a'],
          cases: [{ when: '${{ input.n > 2 }}', then: ['big'] }],
          default: ['small'],
        },
        step('big', ['b']),
        step('small', ['b']),
        { ...step('never', ['a']), when: false },
        { id: 'said', kind: 'emit', needs: ['big', 'small'], event: 'counted', with: { n: '${{ nodes.a.output.n }}' } },
        { id: 'all', kind: 'combine', needs: ['a', 'said', 'never'] },
      ],
      { output: '${{ nodes.all.output }}' },
      { n: 3 },
    ),
  waits: () => {
    const limit = { timeout: { total: '1h' } };
    const run = started([
      { id: 'for', kind: 'wait', for: '90s' },
      { id: 'until', kind: 'wait', until: '2026-01-02T00:00:00+02:00' },
      { id: 'early', kind: 'wait', signal: { name: 'early' }, ...limit, needs: ['for'] },
      { id: 'paid', kind: 'wait', signal: { name: 'paid', filter: '${{ signal.data.amount > 5 }}' }, ...limit },
      {
        id: 'order',
        kind: 'wait',
        event: { subject: 'custom.order.paid.v1', filter: '${{ event.data.order == "A" }}' },
        ...limit,
      },
      { id: 'late', kind: 'wait', signal: { name: 'late' }, ...limit, onError: 'continue' },
    ]);
    run.signal('early', { n: 1 }, 'one');
    run.signal('paid', { amount: 3 }, 'two');
    run.signal('paid', { amount: 7 }, 'three');
    run.signal('paid', { amount: 7 }, 'three');
    run.event('order', { type: 'order.paid.v1', data: { order: 'B' } });
    run.event('order', { type: 'order.paid.v1', data: { order: 'A' } });
    fire(run, 'wait');
    fire(run, 'timeout');
    return run;
  },
  approvals: () => {
    const approval = (id: string, rest: JsonObject): JsonObject => ({
      ...{
        id,
        kind: 'approval',
        title: `Go with ${id}?`,
        assignees: ['role:editor'],
        deadline: '1h',
        onTimeout: 'fail',
      },
      ...rest,
    });
    const run = started([
      approval('yes', { form: { type: 'object', properties: { note: { type: 'string' } } }, with: { n: 1 } }),
      approval('no', { onReject: 'continue' }),
      approval('silent', { onTimeout: 'approve' }),
      approval('gone', { onTimeout: { goto: 'other' } }),
      step('other', ['gone']),
      approval('forgotten', { onError: 'continue' }),
    ]);
    run.decide('yes', 'approve', { data: { note: 'fine' } });
    run.decide('yes', 'reject');
    run.decide('no', 'reject');
    fire(run, 'timeout');
    return run;
  },
  map: () => {
    const run = started(
      [
        {
          id: 'm',
          kind: 'map',
          over: '${{ input.list }}',
          maxParallel: 2,
          tolerate: { failures: '50%' },
          nodes: [tool('x', { retry: { maxAttempts: 1 } }), step('y', ['x'], '${{ item }}')],
          output: '${{ nodes.y.output }}',
        },
        tool('z', { needs: ['m'], with: { tool: 'echo', arguments: { failures: '${{ nodes.m.failures }}' } } }),
      ],
      { output: '${{ nodes.m.output }}' },
      { list: [10, 20, 30] },
    );
    run.result('m[1].x', completed());
    run.result('m[0].x', failed());
    run.result('m[2].x', completed());
    run.result('z');
    return run;
  },
  'map-failed': () => {
    const run = started([{ id: 'm', kind: 'map', over: [1, 2], nodes: [tool('x'), tool('y')], onError: 'continue' }]);
    run.result('m[0].x', failed('x', false));
    return run;
  },
  loop: () => {
    const run = started(
      [
        {
          id: 'l',
          kind: 'loop',
          maxRounds: 5,
          nodes: [tool('x')],
          until: '${{ nodes.x.output.result.n >= 2.0 }}',
          output: '${{ {"n": nodes.x.output.result.n, "before": previous} }}',
        },
        {
          id: 'worn',
          kind: 'loop',
          maxRounds: 2,
          nodes: [step('w', [], '${{ round }}')],
          until: false,
          output: '${{ nodes.w.output }}',
          keep: { best: '${{ 1 - round }}' },
          onExhausted: { goto: 'other' },
        },
        step('other', ['worn'], '${{ nodes.worn.output }}'),
      ],
      { output: '${{ [nodes.l.output, nodes.other.output] }}' },
    );
    for (const n of [0, 1, 2]) run.result(`l[${n}].x`, completed({ result: { n } }));
    return run;
  },
  subgraph: () => {
    const child = graphOf([tool('step', { with: { tool: 'echo', arguments: { of: '${{ input.of }}' } } })], {
      output: '${{ nodes.step.output }}',
    });
    const pinned = { name: 'child', version: 1, digest: digestOf(child), document: child };
    const run = started(
      [{ id: 's', kind: 'subgraph', graph: 'child', pinned, with: { of: '${{ input.n }}' }, timeout: { total: '1h' } }],
      { output: '${{ nodes.s.output }}' },
      { n: 7 },
    );
    run.result('s[0].step', completed({ result: 8 }));
    return run;
  },
  agent: () => {
    const run = started([{ id: 'helper', kind: 'agent', with: { prompt: 'Help.' }, tools: ['echo'] }], {
      output: '${{ nodes.helper.output.text }}',
    });
    run.result(
      'helper[0].tools',
      completed({ result: { tools: [{ name: 'echo', description: 'Says it.', arguments: { type: 'object' } }] } }),
    );
    const says = (text: string, rest: JsonObject): JsonObject => ({
      text,
      json: null,
      citations: [],
      model: 'test/model',
      ...rest,
    });
    const call = { id: 'one', name: 'echo', arguments: '{"a":1}' };
    run.result('helper[0].rounds[0].model', costs(0.1, says('', { finishReason: 'tool-calls', toolCalls: [call] })));
    run.result('helper[0].rounds[0].calls[0].call', completed({ result: 'said' }));
    run.result('helper[0].rounds[1].model', costs(0.1, says('Done.', { finishReason: 'stop' })));
    return run;
  },
};
