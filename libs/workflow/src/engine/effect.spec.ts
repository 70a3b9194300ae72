import { describe, expect, it } from '@jest/globals';
import type { ErrorKind, JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { completed, editor, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { changedApprovals } from './approvals.js';
import { mayBegin } from './effect.js';

const within = { timeout: { total: '1h' } };
const undo = (id: string): JsonObject => ({ tool: 'echo', arguments: { undo: id, of: '${{ output.result }}' } });
const keyed = (id: string, rest: JsonObject = {}): JsonObject =>
  tool(id, { ...within, effect: { idempotencyKey: `\${{ "${id}-" + run.id }}`, compensate: undo(id) }, ...rest });
const careful = (id: string, rest: JsonObject = {}): JsonObject => tool(id, { ...within, effect: {}, ...rest });

function started(...nodes: JsonValue[]): TestRun {
  const run = new TestRun(graphOf(nodes));
  run.start();
  return run;
}

const begin = (run: TestRun, node: string, claim: string, attempt = run.attemptOf(node)) =>
  run.send({ type: 'task-begin', node, attempt, claim, now: run.tick() });
const mayWork = (run: TestRun, node: string, claim: string) =>
  run.state.status === 'running' && mayBegin(run.state, { node, attempt: run.attemptOf(node), claim });
const failed = (kind: ErrorKind, retryable = true) =>
  ({ status: 'failed', error: { kind, code: 'broken', message: 'It broke.', retryable } }) as const;
const nodesOf = (run: TestRun) => run.tasks().map(({ node }) => node);

describe('an effect with a key', () => {
  it('hands it to its task, the same at every attempt', () => {
    const run = started(keyed('charge'));
    const [first] = run.tasks();
    expect(first).toMatchObject({ idempotencyKey: expect.stringMatching(/^charge-run_/), asksToBegin: false });
    run.result('charge', failed('unavailable'));
    for (const timer of run.timers().filter(({ timer: kind }) => kind === 'retry')) run.fire(timer);
    expect(run.tasks()).toMatchObject([{ attempt: 2, idempotencyKey: first?.idempotencyKey }]);
  });

  it.each(['', 'x'.repeat(256), 'a\\r\\nb', 'schlüssel'])('fails where that is no key: %j', (key) => {
    const run = started(keyed('charge', { effect: { idempotencyKey: `\${{ "${key}" }}` } }));
    expect(run.view().error).toMatchObject({ code: 'invalid_idempotency_key', node: 'charge' });
  });
});

describe('an effect without a key', () => {
  it('lets one delivery of an attempt begin', () => {
    const run = started(careful('post'));
    expect(run.tasks()).toMatchObject([{ asksToBegin: true, idempotencyKey: undefined }]);
    begin(run, 'post', 'one');
    expect(begin(run, 'post', 'two')).toEqual([]);
    expect([mayWork(run, 'post', 'one'), mayWork(run, 'post', 'two')]).toEqual([true, false]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is tried again where it was refused, and where nobody had begun', () => {
    const run = started(careful('post'));
    begin(run, 'post', 'one');
    expect(run.result('post', failed('overloaded'))).toMatchObject([{ type: 'NodeRetryScheduled' }]);
    const other = started(careful('post'));
    expect(other.result('post', failed('unavailable'))).toMatchObject([{ type: 'NodeRetryScheduled' }]);
  });

  it.each<[string, (run: TestRun) => unknown]>([
    ['its worker is not sure', (run) => run.result('post', failed('timeout'))],
    ['its time is up', (run) => run.timers().map((timer) => run.fire(timer))],
  ])('waits for somebody who finds out when %s', (_what, happen) => {
    const run = started(careful('post'), tool('after', { needs: ['post'] }), tool('beside'));
    begin(run, 'post', 'one');
    happen(run);
    expect(run.view()).toMatchObject({ status: 'running' });
    expect(run.view().steps[0]).toMatchObject({ node: 'post', status: 'needs_reconciliation' });
    expect(nodesOf(run)).toEqual(['beside']);
    expect(changedApprovals(run.state, [], run.events)).toMatchObject([
      { node: 'post', status: 'pending', assignees: ['role:editor'] },
    ]);
    run.decide('post', 'approve', { data: { output: { result: 7 } } });
    expect(nodesOf(run)).toEqual(['beside', 'after']);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is tried again, in a time of its own, only when somebody says that it did not happen', () => {
    const run = started(careful('post'));
    begin(run, 'post', 'one');
    run.result('post', failed('unavailable'));
    run.time += 100_000_000;
    run.decide('post', 'reject', { data: { again: true } });
    for (const timer of run.timers().filter(({ timer: kind }) => kind === 'retry')) run.fire(timer);
    expect(run.tasks()).toMatchObject([{ node: 'post', attempt: 2 }]);
    expect(Date.parse(run.tasks()[0]?.deadlineAt ?? '')).toBeGreaterThan(run.time);
    expect(begin(run, 'post', 'two')).toMatchObject([{ type: 'EffectBegun' }]);
  });

  it('fails when somebody says so, or nobody says anything', () => {
    const rejected = started(careful('post'));
    begin(rejected, 'post', 'one');
    rejected.result('post', failed('unavailable'));
    rejected.decide('post', 'reject');
    expect(rejected.view()).toMatchObject({ status: 'failed', error: { code: 'broken' } });
    const silent = started(careful('post'));
    begin(silent, 'post', 'one');
    silent.result('post', failed('unavailable'));
    for (const timer of silent.timers()) silent.fire(timer);
    expect(silent.view()).toMatchObject({ status: 'failed', error: { code: 'effect_unreconciled' } });
  });

  it('is waited for although the timer of the limit before fires after it became uncertain', () => {
    const run = started(careful('post'));
    const [limit] = run.timers();
    begin(run, 'post', 'one');
    run.result('post', failed('unavailable'));
    const [later] = run.timers();
    expect(Date.parse(later?.dueAt ?? '')).toBeGreaterThan(Date.parse(limit?.dueAt ?? ''));
    expect(limit && run.fire(limit)).toEqual([]);
    expect(later && run.fire(later)).toMatchObject([{ type: 'ApprovalDecided' }, { type: 'NodeFailed' }, {}]);
  });

  it('goes on with the result of the worker where that comes after all', () => {
    const run = started(careful('post'));
    begin(run, 'post', 'one');
    run.result('post', failed('unavailable'));
    run.result('post', completed({ result: 1 }));
    expect(run.view()).toMatchObject({ status: 'completed' });
  });

  it('is for those who may decide', () => {
    const run = started(careful('post'));
    begin(run, 'post', 'one');
    run.result('post', failed('unavailable'));
    expect(run.decide('post', 'approve', { by: { keyId: 'k', role: 'viewer' } })).toEqual([]);
    expect(run.decide('post', 'approve', { data: { other: 1 } })).toEqual([]);
    expect(run.decide('post', 'approve', { by: editor })).not.toEqual([]);
  });
});

describe('compensation', () => {
  const chain = () => started(keyed('a'), keyed('b', { needs: ['a'] }), tool('c', { needs: ['b'], ...once }));
  const once = { retry: { maxAttempts: 1 } };

  it('takes effects back, the last one first, before a run fails', () => {
    const run = chain();
    for (const node of ['a', 'b']) run.result(node, completed({ result: node.toUpperCase() }));
    run.result('c', failed('invalid', false));
    expect(run.view().status).toBe('running');
    const key = expect.stringMatching(/^run_.*:b~compensate$/) as unknown;
    expect(run.tasks()).toMatchObject([
      {
        node: 'b~compensate',
        kind: 'tool',
        input: { tool: 'echo', arguments: { undo: 'b', of: 'B' } },
        idempotencyKey: key,
      },
    ]);
    run.result('b~compensate', completed());
    expect(nodesOf(run)).toEqual(['a~compensate']);
    run.result('a~compensate', completed());
    expect(run.view()).toMatchObject({ status: 'failed', error: { code: 'broken', node: 'c' } });
    expect(run.view().steps.map(({ node }) => node)).toEqual(['a', 'a~compensate', 'b', 'b~compensate', 'c']);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('waits for an effect that is under way when a run is cancelled, and takes it back', () => {
    const run = chain();
    run.result('a', completed({ result: 'A' }));
    run.cancel();
    expect(nodesOf(run)).toEqual(['b']);
    expect(run.cancel()).toEqual([]);
    expect(run.pause()).toEqual([]);
    run.result('b', completed({ result: 'B' }));
    expect(nodesOf(run)).toEqual(['b~compensate']);
    run.result('b~compensate', completed());
    run.result('a~compensate', completed());
    expect(run.view()).toMatchObject({ status: 'cancelled' });
    expect(run.events.filter(({ type }) => type === 'NodeScheduled')).toHaveLength(4);
  });

  it('does not try an effect again that fails while the run ends', () => {
    const run = chain();
    run.result('a', completed({ result: 'A' }));
    run.cancel();
    run.result('b', failed('unavailable'));
    expect(nodesOf(run)).toEqual(['a~compensate']);
  });

  it('tries a call again, and goes on with the next where one fails for good', () => {
    const run = chain();
    for (const node of ['a', 'b']) run.result(node, completed({ result: node }));
    run.cancel();
    run.result('b~compensate', failed('unavailable'));
    for (const timer of run.timers().filter(({ timer: kind }) => kind === 'retry')) run.fire(timer);
    expect(run.tasks()).toMatchObject([{ node: 'b~compensate', attempt: 2 }]);
    run.result('b~compensate', failed('invalid', false));
    expect(nodesOf(run)).toEqual(['a~compensate']);
    run.result('a~compensate', completed());
    expect(run.view().status).toBe('cancelled');
    expect(run.view().steps.find(({ node }) => node === 'b~compensate')?.status).toBe('failed');
  });

  it('begins nothing else of what became ready together with what failed the run', () => {
    const broken = { id: 'x', kind: 'transform', needs: ['a'], output: '${{ 1 / 0 }}' };
    const run = started(keyed('a'), broken, tool('y', { needs: ['a'] }), tool('z', { needs: ['x', 'y'] }));
    run.result('a', completed({ result: 'A' }));
    expect(nodesOf(run)).toEqual(['a~compensate']);
    run.result('a~compensate', completed());
    expect(run.view()).toMatchObject({ status: 'failed', error: { node: 'x' } });
    const begun = run.events.flatMap((event) => (event.type === 'NodeScheduled' ? event.data.node : []));
    expect(begun).toEqual(['a', 'x', 'a~compensate']);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('is not needed when nothing took effect, or when the run completes', () => {
    const early = chain();
    early.result('a', failed('invalid', false));
    expect(early.events.map(({ type }) => type)).not.toContain('RunEnding');
    const whole = chain();
    for (const node of ['a', 'b', 'c']) whole.result(node, completed({ result: node }));
    expect(whole.view().status).toBe('completed');
    expect(whole.view().steps).toHaveLength(3);
  });

  it('reaches into maps', () => {
    const map = { id: 'm', kind: 'map', over: [1, 2, 3], as: 'n', nodes: [keyed('x', once)], output: null };
    const run = started(map);
    run.result('m[1].x', completed({ result: 1 }));
    run.result('m[0].x', completed({ result: 0 }));
    run.result('m[2].x', failed('invalid', false));
    expect(nodesOf(run)).toEqual(['m[0].x~compensate']);
    run.result('m[0].x~compensate', completed());
    expect(nodesOf(run)).toEqual(['m[1].x~compensate']);
    run.result('m[1].x~compensate', completed());
    expect(run.view().status).toBe('failed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it.each([undefined, { failures: 1 }])(
    'reaches what is under way inside of a map that fails, with tolerate %j',
    (tolerate) => {
      const nodes = [keyed('x', once)];
      const map = { id: 'm', kind: 'map', over: [1, 2], nodes, output: null, ...(tolerate && { tolerate }) };
      const run = started(map, tool('z', { needs: ['m'], ...once }));
      run.result('m[0].x', failed('invalid', false));
      expect(nodesOf(run)).toEqual(['m[1].x']);
      run.result('m[1].x', completed({ result: 1 }));
      if (tolerate) run.result('z', failed('invalid', false));
      expect(nodesOf(run)).toEqual(['m[1].x~compensate']);
      run.result('m[1].x~compensate', completed());
      expect(run.view().status).toBe('failed');
      expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
    },
  );

  it('counts the end of an effect no more whose item has failed', () => {
    const nodes = [keyed('x', once), tool('y', once)];
    const map = { id: 'm', kind: 'map', over: [1, 2], maxParallel: 1, nodes, output: null, tolerate: { failures: 2 } };
    const run = started(map);
    run.result('m[0].y', failed('invalid', false));
    expect(nodesOf(run)).toEqual(['m[0].x', 'm[1].x', 'm[1].y']);
    run.result('m[0].x', completed({ result: 1 }));
    run.result('m[1].x', completed({ result: 1 }));
    expect(run.view().status).toBe('running');
    run.result('m[1].y', completed());
    expect(run.view().status).toBe('completed');
  });

  it('whatever happens in whatever order: what completed is taken back once, in reverse, and the run ends once', () => {
    const acts = fc.array(fc.record({ which: fc.nat(9), act: fc.nat(9) }), { minLength: 1, maxLength: 40 });
    const names = ['a', 'b', 'c', 'd', 'e'];
    fc.assert(
      fc.property(acts, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), (list, keys) => {
        const nodes = names.map((id, index) => {
          const effect = { ...(keys[index] && { idempotencyKey: `\${{ "${id}" }}` }), compensate: undo(id) };
          return tool(id, { ...within, effect, needs: index < 2 ? [] : [names[index - 2] ?? ''] });
        });
        const run = new TestRun(graphOf(nodes));
        run.start();
        for (let turn = 0; turn < 400 && run.state.status === 'running'; turn += 1) step(run, turn, list);
        expect(run.state.status).not.toBe('running');
        check(run);
      }),
      { numRuns: 300 },
    );
  });

  function step(run: TestRun, turn: number, list: readonly { which: number; act: number }[]): void {
    const { which, act } = list[turn % list.length] ?? { which: 0, act: 0 };
    const tasks = run.tasks();
    const task = tasks[which % Math.max(1, tasks.length)];
    const calm = turn >= list.length;
    const parked = run.view().steps.find(({ status }) => status === 'needs_reconciliation');
    if (!calm && act === 0 && turn > 2) run.cancel();
    else if (!calm && act < 3 && task) begin(run, task.node, `claim-${which}`);
    else if (!calm && act < 5 && task) run.result(task.node, failed(act === 3 ? 'timeout' : 'overloaded'));
    else if (parked && (calm || act < 7)) run.decide(parked.node, which % 2 === 0 ? 'approve' : 'reject');
    else if (task) run.result(task.node, completed({ result: task.node }));
    else for (const timer of run.timers().slice(0, 1)) run.fire(timer);
  }

  function check(run: TestRun): void {
    const ended = run.events.filter(({ type }) => ['RunCompleted', 'RunFailed', 'RunCancelled'].includes(type));
    expect(ended).toHaveLength(1);
    expect(run.events.at(-1)).toBe(ended[0]);
    const taken = run.events.flatMap((event) =>
      event.type === 'NodeCompleted' && event.data.compensate ? [event.data.node] : [],
    );
    const begun = run.events.flatMap((event) =>
      event.type === 'NodeScheduled' && event.data.node.endsWith('~compensate') && event.data.attempt === 1
        ? [event.data.node.replace('~compensate', '')]
        : [],
    );
    expect(begun).toEqual(ended[0]?.type === 'RunCompleted' ? [] : taken.toReversed());
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  }
});

describe('an effect is refused', () => {
  it.each<[string, JsonObject, string]>([
    ['without a key and a limit', { effect: {} }, '/nodes/0/timeout'],
    [
      'with compensation and no limit',
      { effect: { idempotencyKey: '${{ "k" }}', compensate: { tool: 't' } } },
      '/nodes/0/timeout',
    ],
    ['with a key that is no text', { effect: { idempotencyKey: '${{ 1 }}' } }, '/nodes/0/effect/idempotencyKey'],
    [
      'with a key that is unknown',
      { effect: { idempotencyKey: '${{ nodes.y.output }}' } },
      '/nodes/0/effect/idempotencyKey',
    ],
    [
      'with a tool that is no text',
      { ...within, effect: { compensate: { tool: 1 } } },
      '/nodes/0/effect/compensate/tool',
    ],
    [
      'with what its output does not have',
      { ...within, effect: { compensate: { tool: 't', arguments: { a: '${{ output.id }}' } } } },
      '/nodes/0/effect/compensate/arguments/a',
    ],
    ['with fields that nobody knows', { ...within, effect: { undo: 1 } }, '/nodes/0/effect/undo'],
  ])('%s', (_what, rest, pointer) => {
    expect(validateGraph(graphOf([tool('x', rest)]))).toMatchObject({ violations: [{ pointer }] });
  });
});
