import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const once = { retry: { maxAttempts: 1 } };

const map = (failures: number | string, rest: JsonObject = {}): JsonObject => ({
  id: 'm',
  kind: 'map',
  over: '${{ input.list }}',
  maxParallel: 3,
  tolerate: { failures },
  nodes: [tool('x', once), tool('y', { ...once, needs: ['x'] })],
  output: '${{ nodes.y.output }}',
  ...rest,
});

function started(nodes: JsonValue[], count: number, rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, { output: '${{ nodes.m.output }}', ...rest }));
  run.start({ list: Array.from({ length: count }, (_value, index) => index) });
  return run;
}

/** Ends every task until nothing is left: those of the items named fail. */
function endAll(run: TestRun, failing: ReadonlySet<number>): void {
  for (let [task] = run.tasks(); task !== undefined; [task] = run.tasks()) {
    const index = Number(/\[(\d+)\]/.exec(task.node)?.[1]);
    run.result(task.node, failing.has(index) ? failed() : completed(index));
  }
}

describe('a map that tolerates failures', () => {
  it('goes on without the items that failed, and says why they did', () => {
    const failures = '${{ nodes.m.failures }}';
    const run = started([map(1)], 3, { output: { outputs: '${{ nodes.m.output }}', failures } });
    endAll(run, new Set([1]));
    const error = { kind: 'unavailable', code: 'broken', message: 'It broke.' };
    expect(run.view()).toMatchObject({
      status: 'completed',
      output: { outputs: [0, null, 2], failures: [{ index: 1, error }] },
    });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('fails with the error of the first item that is one too many', () => {
    const run = started([map(1)], 4);
    run.result('m[0].x', failed('first'));
    expect(run.view().status).toBe('running');
    run.result('m[2].x', failed('second'));
    expect(run.view()).toMatchObject({ status: 'failed', error: { code: 'second', node: 'm[2].x' } });
  });

  it('fills the place of an item that failed, and cancels what else ran inside of it', () => {
    const inner = [tool('x', once), tool('z', once)];
    const run = started([map(2, { nodes: inner, output: null, maxParallel: 1 })], 2);
    run.result('m[0].x', failed());
    expect(run.tasks().map(({ node }) => node)).toEqual(['m[1].x', 'm[1].z']);
    expect(run.view().steps.find(({ node }) => node === 'm[0].z')?.status).toBe('cancelled');
    expect(run.result('m[0].z', completed())).toEqual([]);
  });

  it('begins nothing more in an item whose first node fails at once', () => {
    const inner = [{ id: 'bad', kind: 'transform', output: '${{ 1 / 0 }}' }, tool('z', once)];
    const run = started([map(2, { nodes: inner, output: null })], 2, { output: '${{ nodes.m.failures.size() }}' });
    expect(run.view()).toMatchObject({ status: 'completed', output: 2 });
    expect(run.events.filter(({ type }) => type === 'NodeScheduled')).toHaveLength(3);
  });

  it('tolerates what fails further inside, outwards to the innermost map that does', () => {
    const loop = { id: 'l', kind: 'loop', maxRounds: 2, nodes: [tool('x', once)] };
    const outer = map(1, { nodes: [loop], output: '${{ nodes.l.status }}' });
    const run = started([outer], 2);
    run.result('m[0].l[0].x', failed());
    endAll(run, new Set());
    expect(run.view()).toMatchObject({ status: 'completed', output: [null, 'completed'] });
    expect(run.events.filter(({ type }) => type === 'NodeFailed')).toHaveLength(2);
  });

  it('holds what follows from a failure back while the run is paused', () => {
    const run = started([map(2, { maxParallel: 1 })], 2);
    run.pause();
    run.result('m[0].x', failed());
    expect(run.tasks()).toEqual([]);
    run.resume();
    expect(run.tasks().map(({ node }) => node)).toEqual(['m[1].x']);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('whatever fails in whatever order: it fails if and only if more items fail than it tolerates', () => {
    const shares = fc.oneof(
      fc.nat(6),
      fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`),
    );
    fc.assert(
      fc.property(
        shares,
        fc.nat(12),
        fc.array(fc.nat(11), { maxLength: 12 }),
        fc.nat(3),
        (share, count, list, width) => {
          const failing = new Set(list.filter((index) => index < count));
          const run = started([map(share, { maxParallel: width + 1 })], count);
          endAll(run, failing);
          const allowed = typeof share === 'number' ? share : Math.floor((parseInt(share, 10) * count) / 100);
          const outputs = Array.from({ length: count }, (_value, index) => (failing.has(index) ? null : index));
          expect(run.view()).toMatchObject(
            failing.size > allowed ? { status: 'failed' } : { status: 'completed', output: outputs },
          );
          expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
        },
      ),
    );
  });

  it.each([-1, 1.5, '101%', '-1%', '10 %', 'all', null, 1e9])('is refused for %j', (failures) => {
    const document = graphOf([map(failures as string)], { output: null });
    expect(validateGraph(document)).toMatchObject({
      violations: [{ pointer: '/nodes/0/tolerate/failures' }],
    });
  });
});

describe('a loop whose rounds are used up', () => {
  const loop = (rest: JsonObject): JsonObject => ({
    id: 'l',
    kind: 'loop',
    maxRounds: 3,
    nodes: [tool('x')],
    until: '${{ nodes.x.output.done }}',
    output: '${{ nodes.x.output.score }}',
    keep: { best: '${{ nodes.x.output.score }}' },
    ...rest,
  });
  const after = tool('z', { needs: ['l'], with: { tool: 'echo', arguments: { kept: '${{ nodes.l.output }}' } } });

  function exhausted(rest: JsonObject): TestRun {
    const run = new TestRun(graphOf([loop(rest), after]));
    run.start();
    [5, 9, 7].forEach((score, round) => run.result(`l[${round}].x`, completed({ done: false, score })));
    return run;
  }

  it('completes with the round that is kept, by itself or when told to', () => {
    for (const rest of [{}, { onExhausted: 'continue' }] as JsonObject[]) {
      expect(exhausted(rest).tasks()).toMatchObject([{ node: 'z', input: { arguments: { kept: 9 } } }]);
    }
  });

  it('fails where it is to, as onError says', () => {
    const error = { code: 'loop_exhausted', node: 'l' };
    expect(exhausted({ onExhausted: 'fail' }).view()).toMatchObject({ status: 'failed', error });
    const run = exhausted({ onExhausted: 'fail', onError: 'continue' });
    expect(run.tasks()).toMatchObject([{ node: 'z', input: { arguments: { kept: 9 } } }]);
  });

  it('leads to another node, which sees the round that was kept', () => {
    const run = exhausted({ onExhausted: { goto: 'z' } });
    expect(run.tasks()).toMatchObject([{ node: 'z', input: { arguments: { kept: 9 } } }]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('does not lead there when it ends in time', () => {
    const run = new TestRun(graphOf([loop({ onExhausted: { goto: 'z' } }), after]));
    run.start();
    run.result('l[0].x', completed({ done: true, score: 1 }));
    expect(run.view()).toMatchObject({ status: 'completed' });
    expect(run.view().steps.at(-1)).toMatchObject({ node: 'z', status: 'skipped' });
  });

  it.each<[string, JsonObject, string]>([
    ['leads nowhere', { onExhausted: { goto: 'nowhere' } }, '/nodes/0/onExhausted/goto'],
    ['has no until', { onExhausted: 'fail', until: null }, '/nodes/0/onExhausted'],
    ['says what is not known', { onExhausted: 'retry' }, '/nodes/0/onExhausted'],
  ])('is refused where it %s', (_what, rest, pointer) => {
    const { until, ...node } = loop(rest);
    const document = graphOf([until === null ? node : { ...node, until: until ?? null }, tool('z', { needs: ['l'] })]);
    const violations = expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown;
    expect(validateGraph(document)).toMatchObject({ violations });
  });
});
