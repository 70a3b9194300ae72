import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { digestOf } from '../document/digest.js';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const pin = (document: JsonObject) => ({ name: 'child', version: 1, digest: digestOf(document), document });
const subgraph = (id: string, document: JsonObject, rest: JsonObject = {}): JsonObject => ({
  ...{ id, kind: 'subgraph', graph: 'child', pinned: pin(document) },
  ...rest,
});

const input: JsonObject = {
  type: 'object',
  required: ['topic'],
  properties: { topic: { type: 'string' }, depth: { type: 'integer', default: 3 } },
};
/** Its node is called as one of its parent's, and it reads its own input. */
const child = graphOf(
  [tool('step', { with: { tool: 'echo', arguments: { about: '${{ input.topic }}', depth: '${{ input.depth }}' } } })],
  {
    input,
    output: '${{ {"topic": input.topic, "step": nodes.step.output.result} }}',
  },
);
const parentOf = (rest: JsonObject = {}, outer: JsonObject = {}) =>
  graphOf(
    [tool('step'), subgraph('research', child, { needs: ['step'], with: { topic: '${{ input.name }}' }, ...rest })],
    {
      output: '${{ nodes.research.output }}',
      ...outer,
    },
  );

function begun(document: JsonObject, given: JsonObject = { name: 'mills' }): TestRun {
  const run = new TestRun(document);
  run.start(given);
  run.result('step', completed({ result: 'outer' }));
  return run;
}

describe('a subgraph', () => {
  it('runs in the run that it is part of, with an input of its own, and gives its output', () => {
    const run = begun(parentOf());
    expect(run.tasks()).toMatchObject([
      { node: 'research[0].step', input: { arguments: { about: 'mills', depth: 3 } } },
    ]);
    run.result('research[0].step', completed({ result: 'inner' }));
    expect(run.state).toMatchObject({ status: 'completed', output: { topic: 'mills', step: 'inner' } });
    expect(run.view().steps.map(({ node, status }) => [node, status])).toEqual([
      ['step', 'completed'],
      ['research', 'completed'],
      ['research[0].step', 'completed'],
    ]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('adds what it uses to the run', () => {
    const run = begun(parentOf());
    const usage = { promptTokens: 5, completionTokens: 7, costUsd: 0.25 };
    run.result('research[0].step', { status: 'completed', output: { result: 1 }, usage });
    expect(run.state).toMatchObject({ usage });
  });

  it('fails with the error of its node, as far as its parent lets it', () => {
    const open = begun(parentOf());
    open.result('research[0].step', failed('gone', false));
    expect(open.state).toMatchObject({ status: 'failed', error: { code: 'gone', node: 'research[0].step' } });
    const kept = begun(parentOf({ onError: 'continue' }, { output: '${{ nodes.research.error.code }}' }));
    kept.result('research[0].step', failed('gone', false));
    expect(kept.state).toMatchObject({ status: 'completed', output: 'gone' });
    expect(snapshotOf(kept.refolded())).toEqual(snapshotOf(kept.state));
  });

  it('is refused an input that does not fit', () => {
    const run = begun(parentOf({ with: { topic: '${{ input.name }}' } }), { name: 7 });
    expect(run.state).toMatchObject({ status: 'failed', error: { code: 'invalid_input', node: 'research' } });
    expect(run.tasks()).toEqual([]);
  });

  it('is cancelled, paused and timed out with what is around it', () => {
    const cancelled = begun(parentOf());
    cancelled.cancel();
    expect(cancelled.tasks()).toEqual([]);
    expect(cancelled.view().steps.at(-1)).toMatchObject({ node: 'research[0].step', status: 'cancelled' });

    const paused = begun(parentOf());
    paused.pause();
    paused.result('research[0].step', completed({ result: 1 }));
    expect(paused.state).toMatchObject({ status: 'running' });
    paused.resume();
    expect(paused.state).toMatchObject({ status: 'completed' });
    expect(snapshotOf(paused.refolded())).toEqual(snapshotOf(paused.state));

    for (const [rest, limit] of [
      [{ timeout: { total: '10s' } }, child],
      [{}, { ...child, timeout: '10s' }],
    ] as const) {
      const late = begun(
        graphOf([tool('step'), subgraph('research', limit, { needs: ['step'], with: { topic: 'x' }, ...rest })]),
      );
      const [timer] = late.timers();
      expect(timer).toMatchObject({ node: 'research', timer: 'timeout' });
      if (timer) late.fire(timer);
      expect(late.state).toMatchObject({ status: 'failed', error: { code: 'timeout', node: 'research' } });
      expect(late.tasks()).toEqual([]);
    }
  });

  it('sees nothing of what is around it, in maps and in other graphs too', () => {
    const inner = graphOf([{ id: 'name', kind: 'transform', output: '${{ input.topic }}!' }], {
      input,
      output: '${{ nodes.name.output }}',
    });
    const middle = graphOf(
      [
        {
          ...{
            id: 'each',
            kind: 'map',
            over: '${{ [input.topic, "b"] }}',
            as: 'word',
            output: '${{ nodes.deep.output }}',
          },
          nodes: [subgraph('deep', inner, { with: { topic: '${{ input.topic + word }}' } })],
        },
      ],
      { input, output: '${{ nodes.each.output }}' },
    );
    const run = new TestRun(
      graphOf(
        [
          {
            ...{
              id: 'each',
              kind: 'map',
              over: '${{ input.names }}',
              as: 'name',
              output: '${{ nodes.inside.output }}',
            },
            nodes: [subgraph('inside', middle, { with: { topic: '${{ name }}' } })],
          },
        ],
        { output: '${{ nodes.each.output }}' },
      ),
    );
    run.start({ names: ['x', 'y'] });
    expect(run.state).toMatchObject({
      status: 'completed',
      output: [
        ['xx!', 'xb!'],
        ['yy!', 'yb!'],
      ],
    });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('waits for signals of the run', () => {
    const waiting = graphOf([{ id: 'go', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } }], {
      output: '${{ nodes.go.output.data }}',
    });
    const run = new TestRun(graphOf([subgraph('inside', waiting)], { output: '${{ nodes.inside.output }}' }));
    run.start();
    run.signal('go', 'now');
    expect(run.state).toMatchObject({ status: 'completed', output: 'now' });
  });
});

describe('checking a subgraph', () => {
  const messages = (node: JsonObject) => {
    const validation = validateGraph(JSON.parse(JSON.stringify(graphOf([node]))));
    return 'violations' in validation
      ? validation.violations.map(({ pointer, message }) => `${pointer}: ${message}`)
      : [];
  };

  it.each<[JsonObject, string[]]>([
    [subgraph('a', child, { with: { topic: 'x' } }), []],
    [{ id: 'a', kind: 'subgraph', graph: 'anything@3' }, []],
    [subgraph('a', child), ['/nodes/0/with/topic: This field is required.']],
    [
      subgraph('a', child, { with: { topic: 7 } }),
      [expect.stringContaining('/nodes/0/with/topic') as unknown as string],
    ],
    [
      subgraph('a', child, { with: { topic: '${{ 1.0 + 1.0 }}' } }),
      ['/nodes/0/with/topic: The graph child expects string here, but the expression yields a number.'],
    ],
    [{ id: 'a', kind: 'subgraph', graph: 'Not a name' }, ['/nodes/0/graph: must be NAME or NAME@VERSION']],
    [{ id: 'a', kind: 'subgraph' }, [expect.stringContaining('/nodes/0/graph') as unknown as string]],
  ])('finds in %j what is wrong', (node, expected) => expect(messages(node)).toEqual(expected));

  it('bounds what graphs hold together', () => {
    let deep = graphOf([{ id: 'leaf', kind: 'transform', output: 1 }]);
    for (let level = 0; level < 6; level += 1) deep = graphOf([subgraph('a', deep)]);
    const [message] = messages((deep['nodes'] as JsonObject[])[0] ?? {});
    expect(message).toContain('Graphs are nested deeper than 5 levels.');
    const wide = graphOf(
      Array.from({ length: 600 }, (_, index): JsonValue => ({ id: `n${index}`, kind: 'transform', output: 1 })),
    );
    const twice = validateGraph(graphOf([subgraph('a', wide), subgraph('b', wide)]));
    expect(twice).toMatchObject({
      violations: [{ pointer: '/nodes', message: expect.stringContaining('at most 1000 nodes, not 1202') }],
    });
  });
});
