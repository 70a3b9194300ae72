/** The rows of the transition tables in `decide.ts` and `evolve.ts`, one by one. */
import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { checkInput } from './check-input.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

/** What happened, in short: `NodeScheduled a`. */
const brief = (events: readonly NewRunEvent[]): string[] =>
  events.map((event) => ('node' in event.data ? `${event.type} ${event.data.node}` : event.type));

function started(nodes: JsonValue[], rest: JsonObject = {}, input: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start(input);
  return run;
}

const statusOf = (run: TestRun, path: string) =>
  run.state.status === 'new' ? undefined : run.state.nodes.get(path)?.status;

describe('start', () => {
  it('begins the nodes that need nothing', () => {
    const run = new TestRun(graphOf([tool('a'), tool('b', { needs: ['a'] }), tool('c')]));
    expect(brief(run.start())).toEqual(['RunStarted', 'NodeScheduled a', 'NodeScheduled c']);
    expect(run.tasks().map(({ node }) => node)).toEqual(['a', 'c']);
  });

  it('a second time changes nothing', () => {
    expect(started([tool('a')]).start()).toEqual([]);
  });

  it('fills in the defaults of the input', () => {
    const input = { type: 'object', properties: { n: { type: 'integer', default: 3 } } };
    const run = started([tool('a', { with: { tool: 'echo', arguments: { n: '${{ input.n }}' } } })], { input });
    expect(run.view().input).toEqual({ n: 3 });
    expect(run.tasks()[0]?.input).toEqual({ tool: 'echo', arguments: { n: 3 } });
  });

  it('fails a run whose input does not fit', () => {
    const input = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };
    const run = new TestRun(graphOf([tool('a')], { input }));
    expect(brief(run.start({ n: 'x' }))).toEqual(['RunStarted', 'RunFailed']);
    expect(run.view()).toMatchObject({ status: 'failed', error: { code: 'invalid_input' } });
    expect(run.view().error?.message).toContain('/n');
  });

  it('completes at once where no worker is needed', () => {
    const run = started(
      [{ id: 'a', kind: 'transform', output: '${{ input.n * 2 }}' }],
      { output: '${{ nodes.a.output }}' },
      { n: 21 },
    );
    expect(run.view()).toMatchObject({ status: 'completed', output: 42 });
  });
});

describe('task-result', () => {
  it('completes the node and begins what waited only for it', () => {
    const run = started([tool('a'), tool('b'), tool('c', { needs: ['a', 'b'] })], {
      output: '${{ nodes.c.output.x }}',
    });
    expect(brief(run.result('a'))).toEqual(['NodeCompleted a']);
    expect(brief(run.result('b'))).toEqual(['NodeCompleted b', 'NodeScheduled c']);
    expect(brief(run.result('c', completed({ x: 1 })))).toEqual(['NodeCompleted c', 'RunCompleted']);
    expect(run.view()).toMatchObject({ status: 'completed', output: 1 });
  });

  it('adds up what attempts used', () => {
    const usage = { promptTokens: 1, completionTokens: 2, costUsd: 0.5 };
    const run = started([tool('a'), tool('b')]);
    for (const node of ['a', 'b']) run.result(node, { status: 'completed', output: null, usage });
    expect(run.view().usage).toEqual({ promptTokens: 2, completionTokens: 4, costUsd: 1 });
  });

  it('tries again what may succeed later, with full jitter', () => {
    const run = started([tool('a', { retry: { backoff: { initial: '4s', max: '6s', factor: 2 } } })]);
    run.random = 0.25;
    expect(brief(run.result('a', failed()))).toEqual(['NodeRetryScheduled a']);
    expect(run.tasks()).toEqual([]);
    const [timer] = run.timers();
    expect(timer).toMatchObject({ timer: 'retry', node: 'a', attempt: 1 });
    expect(Date.parse(timer?.dueAt ?? '') - run.time).toBe(1_000);
  });

  it('begins the next attempt when its time has come', () => {
    const run = started([tool('a')]);
    run.result('a', failed());
    const [timer] = run.timers();
    expect(brief(timer ? run.fire(timer) : [])).toEqual(['NodeScheduled a']);
    expect(run.tasks()).toMatchObject([{ node: 'a', attempt: 2 }]);
    expect(run.result('a', completed(), 1)).toEqual([]);
    expect(run.view().steps).toMatchObject([{ node: 'a', status: 'running', attempts: 2 }]);
  });

  it.each<[string, JsonObject, ReturnType<typeof failed>]>([
    ['a permanent error', {}, failed('x', false)],
    ['the last attempt', { maxAttempts: 1 }, failed()],
    ['an error that the policy does not name', { on: ['other'] }, failed()],
  ])('fails the run on %s', (_name, retry, outcome) => {
    const run = started([tool('a', { retry })]);
    expect(brief(run.result('a', outcome))).toEqual(['NodeFailed a', 'RunFailed']);
    expect(run.view()).toMatchObject({ status: 'failed', error: { node: 'a', message: 'It broke.' } });
  });

  it.each([['broken'], ['unavailable']])('tries again on what the policy names: %s', (name) => {
    expect(brief(started([tool('a', { retry: { on: [name] } })]).result('a', failed()))).toEqual([
      'NodeRetryScheduled a',
    ]);
  });

  it('waits as long as the error asks, an hour at most', () => {
    const run = started([tool('a')]);
    const asking = (seconds: number) =>
      run.result('a', {
        status: 'failed',
        error: { kind: 'overloaded', code: 'busy', message: '', retryable: true, retryAfterSeconds: seconds },
      });
    asking(90);
    expect(Date.parse(run.timers()[0]?.dueAt ?? '') - run.time).toBe(90_000);
    const [timer] = run.timers();
    if (timer) run.fire(timer);
    asking(1e9);
    expect(Date.parse(run.timers()[0]?.dueAt ?? '') - run.time).toBe(3_600_000);
  });

  it('does not wait beyond the deadline', () => {
    const run = started([tool('a', { timeout: { total: '10s' }, retry: { backoff: { initial: '1h', max: '1h' } } })]);
    run.random = 0.9;
    expect(brief(run.result('a', failed()))).toEqual(['NodeFailed a', 'RunFailed']);
  });

  it('cancels what else was running when the run fails', () => {
    const run = started([tool('a'), tool('b'), tool('c', { needs: ['a'] })]);
    run.result('a', failed('x', false));
    expect(run.view().steps.map(({ status }) => status)).toEqual(['failed', 'cancelled', 'pending']);
    expect(run.tasks()).toEqual([]);
  });
});

describe('timers', () => {
  it('keeps one deadline for all attempts', () => {
    const run = started([tool('a', { timeout: { total: '1m' } })]);
    const [deadline] = run.timers();
    expect(deadline).toMatchObject({ timer: 'timeout', node: 'a', attempt: 1 });
    expect(run.tasks()[0]?.deadlineAt).toBe(deadline?.dueAt);
    run.random = 0;
    const retry = run.timersOf(run.result('a', failed()));
    expect(retry).toMatchObject([{ timer: 'retry', attempt: 1 }]);
    expect(run.timers()).toHaveLength(2);
    const again = retry[0] ? run.timersOf(run.fire(retry[0])) : [];
    expect(again).toEqual([{ timer: 'timeout', node: 'a', attempt: 2, dueAt: deadline?.dueAt }]);
  });

  it.each([['running'], ['retrying']])('fails a node that is %s when its time is up', (status) => {
    const run = started([tool('a', { timeout: { total: '1m' } })]);
    if (status === 'retrying') run.result('a', failed());
    expect(statusOf(run, 'a')).toBe(status);
    const deadline = run.timers().find(({ timer }) => timer === 'timeout');
    expect(brief(deadline ? run.fire(deadline) : [])).toEqual(['NodeFailed a', 'RunFailed']);
    expect(run.view().error).toMatchObject({ code: 'timeout', node: 'a' });
    expect(run.result('a', completed(), 1)).toEqual([]);
  });

  it('ignores the deadline of an earlier attempt', () => {
    const run = started([tool('a', { timeout: { total: '1m' } })]);
    const [deadline] = run.timers();
    run.result('a', failed());
    const retry = run.timers().find(({ timer }) => timer === 'retry');
    if (retry) run.fire(retry);
    expect(deadline && run.fire(deadline)).toEqual([]);
  });

  it('fails a run whose time is up', () => {
    const run = started([tool('a')], { timeout: '5m' });
    const [timer] = run.timers();
    expect(timer).toMatchObject({ timer: 'run-timeout', node: '', attempt: 0 });
    expect(brief(timer ? run.fire(timer) : [])).toEqual(['RunFailed']);
    expect(run.view().error?.code).toBe('run_timeout');
  });
});

describe('texts that no database keeps', () => {
  const nul = '${{ "x\\u0000y" }}';
  const inTransform = { id: 'b', kind: 'transform', needs: ['a'], output: nul };

  it.each<[string, JsonValue[], JsonObject]>([
    ['a transform', [inTransform], {}],
    ['a key', [{ ...inTransform, output: '${{ {"x\\u0000": 1} }}' }], {}],
    ['half of a surrogate pair', [{ ...inTransform, output: '${{ "\u{1f600}".substring(0, 1) }}' }], {}],
    ['an emitted event', [{ id: 'b', kind: 'emit', needs: ['a'], event: 'x', with: { text: nul } }], {}],
    ['the input of a task', [tool('b', { needs: ['a'], with: { tool: 'echo', arguments: { text: nul } } })], {}],
    ['a message', [{ ...inTransform, output: '${{ input["x\\u0000"] }}' }], {}],
    ['the output', [], { output: nul }],
  ])('made by %s fail what made them, also after a timer', (_name, nodes, rest) => {
    const run = started([tool('a', { timeout: { total: '1s' }, onError: 'continue' }), ...nodes], rest);
    const deadline = run.timers()[0];
    if (deadline) run.fire(deadline);
    expect(run.view()).toMatchObject({ status: 'failed', error: nodes.length > 0 ? { node: 'b' } : {} });
    expect(JSON.stringify(run.events)).not.toMatch(/(?<!\\)\\(u0000|ud83d)/);
  });

  it('in the error of a worker are replaced', () => {
    const error = { kind: 'invalid', code: 'x', message: 'a\0b\ud800', retryable: false } as const;
    const run = started([tool('a')]);
    run.result('a', { status: 'failed', error: { ...error, violations: [{ pointer: '/\0', message: '\0' }] } });
    expect(run.view().error).toMatchObject({ node: 'a', message: 'a\ufffdb\ufffd' });
    expect(JSON.stringify(run.events)).not.toMatch(/\\u0000|\\ud800/);
  });

  it('in the input are named', () => {
    const run = started([tool('a')]);
    expect(checkInput(run.graph, { fine: '\u{1f600}' })).toEqual({ input: { fine: '\u{1f600}' } });
    expect(checkInput(run.graph, { list: ['a', { text: 'x\0' }] })).toMatchObject({
      violations: [{ pointer: '/list/1/text' }],
    });
    expect(checkInput(run.graph, { 'a\ud800': 1 })).toMatchObject({ violations: [{ pointer: '/a\ufffd' }] });
  });
});

describe('cancel', () => {
  it('ends the run and what is running', () => {
    const run = started([tool('a'), tool('b', { needs: ['a'] })]);
    expect(brief(run.cancel())).toEqual(['RunCancelled']);
    expect(run.view()).toMatchObject({ status: 'cancelled', error: { code: 'cancelled', message: 'enough' } });
    expect(run.result('a')).toEqual([]);
  });
});

describe('when', () => {
  it('skips a node, and those of whose needs nothing ran', () => {
    const run = started(
      [
        tool('a', { when: '${{ input.go }}' }),
        tool('b', { needs: ['a'] }),
        tool('c'),
        tool('d', { needs: ['b', 'c'], with: { tool: 'echo', arguments: { b: '${{ has(nodes.b.output) }}' } } }),
      ],
      {},
      { go: false },
    );
    expect(brief(run.events)).toEqual(['RunStarted', 'NodeSkipped a', 'NodeScheduled c', 'NodeSkipped b']);
    expect(run.events.flatMap(({ data }) => ('reason' in data ? [data.reason] : []))).toEqual([
      'condition',
      'upstream-skipped',
    ]);
    run.result('c');
    expect(run.tasks()).toMatchObject([{ node: 'd', input: { arguments: { b: false } } }]);
  });

  it.each<[string, JsonValue]>([
    ['an expression that fails', '${{ input.gone }}'],
    ['a value that is neither true nor false', '${{ input.n }}'],
  ])('fails on %s', (_name, when) => {
    const run = started([tool('a', { when })], {}, { n: 1 });
    expect(brief(run.events)).toEqual(['RunStarted', 'NodeScheduled a', 'NodeFailed a', 'RunFailed']);
  });

  it('says how to read a node that was skipped', () => {
    const run = started([
      tool('a', { when: false }),
      tool('b'),
      { id: 'c', kind: 'transform', needs: ['a', 'b'], output: '${{ nodes.a.output }}' },
    ]);
    run.result('b');
    expect(run.view().error).toMatchObject({ code: 'expression_failed', node: 'c' });
    expect(run.view().error?.message).toContain('has(nodes.a.output)');
  });

  it('completes a run of which everything was skipped', () => {
    expect(started([tool('a', { when: false })]).view()).toMatchObject({ status: 'completed', output: null });
  });
});

describe('onError: continue', () => {
  it('goes on without an output', () => {
    const run = started(
      [
        tool('a', { onError: 'continue' }),
        {
          id: 'b',
          kind: 'transform',
          needs: ['a'],
          output: '${{ has(nodes.a.output) ? "fine" : nodes.a.status + ": " + nodes.a.error.code }}',
        },
      ],
      { output: '${{ nodes.b.output }}' },
    );
    run.result('a', failed('x', false));
    expect(run.view()).toMatchObject({ status: 'completed', output: 'failed: x' });
    expect(run.view().steps[0]).toMatchObject({ status: 'failed' });
  });

  it('of a map ends everything inside', () => {
    const inner = [tool('x', { retry: { maxAttempts: 1 } }), tool('y')];
    const run = started([
      { id: 'm', kind: 'map', over: [1, 2], nodes: inner, onError: 'continue' },
      tool('z', { needs: ['m'] }),
    ]);
    expect(brief(run.result('m[0].x', failed()))).toEqual(['NodeFailed m[0].x', 'NodeFailed m', 'NodeScheduled z']);
    expect(statusOf(run, 'm[1].y')).toBe('cancelled');
    expect(run.result('m[1].x', completed(), 1)).toEqual([]);
    expect(run.tasks().map(({ node }) => node)).toEqual(['z']);
  });
});

it('a map that failed begins no further item', () => {
  const run = started([
    {
      id: 'm',
      kind: 'map',
      over: [1, 2],
      onError: 'continue',
      nodes: [{ id: 't', kind: 'transform', output: '${{ 1 / 0 }}' }],
    },
  ]);
  expect(brief(run.events)).toEqual([
    'RunStarted',
    'NodeScheduled m',
    'MapStarted m',
    'NodeScheduled m[0].t',
    'NodeFailed m[0].t',
    'NodeFailed m',
    'RunCompleted',
  ]);
});

describe('nodes that the engine runs itself', () => {
  const three = [tool('a'), tool('b'), tool('c', { when: false })];
  const combine = (mode: string): JsonValue => ({ id: 'all', kind: 'combine', needs: ['a', 'b', 'c'], mode });

  it.each<[string, JsonValue, JsonValue, JsonValue]>([
    ['object', { x: 1 }, [2], { a: { x: 1 }, b: [2] }],
    ['list', { x: 1 }, [2], [{ x: 1 }, [2]]],
    ['concat', [1], [2, 3], [1, 2, 3]],
    ['merge', { x: 1, y: 1 }, { y: 2 }, { x: 1, y: 2 }],
  ])('combine as %s leaves out what was skipped', (mode, a, b, expected) => {
    const run = started([...three, combine(mode)], { output: '${{ nodes.all.output }}' });
    run.result('b', completed(b));
    run.result('a', completed(a));
    expect(run.view()).toMatchObject({ status: 'completed', output: expected });
  });

  it.each([['concat'], ['merge']])('combine as %s fails on outputs of another type', (mode) => {
    const run = started([...three, combine(mode)]);
    run.result('a', completed(1));
    run.result('b', completed(1));
    expect(run.view().error).toMatchObject({ code: 'cannot_combine', node: 'all' });
  });

  it('reads a node of any id', () => {
    const names = ['constructor', 'prototype', 'tostring'];
    const first = names.map((id) => ({ id, kind: 'transform', output: id }));
    const all = { id: 'all', kind: 'transform', needs: names, output: names.map((id) => `\${{ nodes.${id}.output }}`) };
    expect(started([...first, all], { output: '${{ nodes.all.output }}' }).view()).toMatchObject({ output: names });
  });

  it('emit publishes its data', () => {
    const run = started(
      [{ id: 'e', kind: 'emit', event: 'done', with: { n: '${{ input.n }}', run: '${{ run.id }}' } }],
      {},
      { n: 1 },
    );
    const data = { n: 1, run: `run_${'0'.repeat(32)}` };
    expect(run.events).toContainEqual({ type: 'EventEmitted', at: run.now(), data: { node: 'e', name: 'done', data } });
    expect(brief(run.events)).toEqual([
      'RunStarted',
      'NodeScheduled e',
      'EventEmitted e',
      'NodeCompleted e',
      'RunCompleted',
    ]);
  });

  it('a failing output fails the run', () => {
    const run = started([tool('a')], { output: '${{ nodes.a.output.gone }}' });
    expect(brief(run.result('a'))).toEqual(['NodeCompleted a', 'RunFailed']);
    expect(run.view().error?.code).toBe('expression_failed');
  });

  it('long chains do not overflow the stack', () => {
    const chain = Array.from({ length: 1_000 }, (_value, index) => ({
      id: `n${index}`,
      kind: 'transform',
      needs: index === 0 ? [] : [`n${index - 1}`],
      output: index,
    }));
    expect(started(chain).view().status).toBe('completed');
  });
});

describe('map', () => {
  const map = (rest: JsonObject = {}): JsonValue => ({
    id: 'm',
    kind: 'map',
    over: '${{ input.list }}',
    as: 'page',
    nodes: [tool('x', { with: { tool: 'echo', arguments: { page: '${{ page }}', index: '${{ index }}' } } })],
    output: '${{ nodes.x.output.y }}',
    ...rest,
  });

  it('runs its nodes for each item, so many at a time, and lists their outputs in order', () => {
    const run = started([map({ maxParallel: 2 })], { output: '${{ nodes.m.output }}' }, { list: ['p', 'q', 'r'] });
    expect(brief(run.events)).toEqual([
      'RunStarted',
      'NodeScheduled m',
      'MapStarted m',
      'NodeScheduled m[0].x',
      'NodeScheduled m[1].x',
    ]);
    expect(run.tasks()[1]).toMatchObject({ node: 'm[1].x', input: { arguments: { page: 'q', index: 1 } } });
    expect(brief(run.result('m[1].x', completed({ y: 'Q' })))).toEqual([
      'NodeCompleted m[1].x',
      'NodeScheduled m[2].x',
    ]);
    run.result('m[2].x', completed({ y: 'R' }));
    run.result('m[0].x', completed({ y: 'P' }));
    expect(run.view()).toMatchObject({ status: 'completed', output: ['P', 'Q', 'R'] });
    expect(run.view().steps.map(({ node }) => node)).toEqual(['m', 'm[0].x', 'm[1].x', 'm[2].x']);
  });

  it('of nothing completes at once', () => {
    expect(started([map()], { output: '${{ nodes.m.output }}' }, { list: [] }).view()).toMatchObject({
      status: 'completed',
      output: [],
    });
  });

  it.each<[string, JsonValue, string]>([
    ['what is no list', 'text', 'map_not_a_list'],
    ['too many items', Array.from({ length: 1_001 }, () => 0), 'map_too_large'],
  ])('fails on %s', (_name, list, code) => {
    expect(started([map()], {}, { list }).view().error).toMatchObject({ code, node: 'm' });
  });

  it('fails with its first item that fails, naming the node inside', () => {
    const run = started([map({ nodes: [tool('x', { retry: { maxAttempts: 1 } })] })], {}, { list: [1, 2] });
    expect(brief(run.result('m[1].x', failed('gone')))).toEqual(['NodeFailed m[1].x', 'NodeFailed m', 'RunFailed']);
    expect(run.view().error).toMatchObject({ code: 'gone', node: 'm[1].x' });
  });

  it('fails when an output fails', () => {
    const run = started([map()], {}, { list: [1] });
    run.result('m[0].x', completed({}));
    expect(run.view().error).toMatchObject({ code: 'expression_failed', node: 'm' });
  });

  it('stands inside of a map', () => {
    const inner = {
      ...(map({ id: 'in', as: 'word', over: '${{ page.words }}' }) as JsonObject),
      nodes: [{ id: 't', kind: 'transform', output: '${{ page.name + word + string(index) }}' }],
      output: '${{ nodes.t.output }}',
    };
    const run = started(
      [map({ nodes: [inner], output: '${{ nodes["in"].output }}' })],
      { output: '${{ nodes.m.output }}' },
      {
        list: [
          { name: 'a', words: ['x', 'y'] },
          { name: 'b', words: ['z'] },
        ],
      },
    );
    expect(run.view().output).toEqual([['ax0', 'ay1'], ['bz0']]);
  });

  it('does not let a run grow without bound', () => {
    const inner = {
      id: 'in',
      kind: 'map',
      over: '${{ input.list }}',
      nodes: [{ id: 't', kind: 'transform', output: 1 }],
    };
    const run = started([map({ nodes: [inner], output: null })], {}, { list: Array.from({ length: 200 }, () => 0) });
    expect(run.view().error?.code).toBe('run_too_large');
  });
});

describe('loop', () => {
  const loop = (rest: JsonObject = {}): JsonValue => ({
    id: 'l',
    kind: 'loop',
    maxRounds: 3,
    nodes: [tool('x', { with: { tool: 'echo', arguments: { round: '${{ round }}', previous: '${{ previous }}' } } })],
    until: '${{ nodes.x.output.good }}',
    output: '${{ nodes.x.output }}',
    ...rest,
  });
  const best = { keep: { best: '${{ nodes.x.output.score }}' } };
  const round = (run: TestRun, index: number, output: JsonObject) => run.result(`l[${index}].x`, completed(output));

  it('runs rounds until the condition holds, each seeing the one before', () => {
    const run = started([loop()], { output: '${{ nodes.l.output }}' });
    expect(brief(run.events)).toEqual(['RunStarted', 'NodeScheduled l', 'LoopRoundStarted l', 'NodeScheduled l[0].x']);
    expect(run.tasks()[0]?.input).toMatchObject({ arguments: { round: 0, previous: null } });
    expect(brief(round(run, 0, { good: false, n: 1 }))).toEqual([
      'NodeCompleted l[0].x',
      'LoopRoundCompleted l',
      'LoopRoundStarted l',
      'NodeScheduled l[1].x',
    ]);
    expect(run.tasks()).toMatchObject([
      { node: 'l[1].x', input: { arguments: { round: 1, previous: { good: false, n: 1 } } } },
    ]);
    round(run, 1, { good: true, n: 2 });
    expect(run.view()).toMatchObject({ status: 'completed', output: { n: 2 } });
  });

  it.each<[string, JsonObject, number]>([
    ['the last round', {}, 2],
    ['the best round', best, 1],
  ])('after its last round keeps %s', (_name, keep, expected) => {
    const run = started([loop(keep)], { output: '${{ nodes.l.output.n }}' });
    [0.2, 0.9, 0.9].forEach((score, n) => round(run, n, { good: false, n, score }));
    expect(run.view()).toMatchObject({ status: 'completed', output: expected });
  });

  it('keeps a round that holds the condition, whatever its score', () => {
    const run = started([loop(best)], { output: '${{ nodes.l.output.n }}' });
    round(run, 0, { good: false, n: 0, score: 0.9 });
    round(run, 1, { good: true, n: 1, score: 0.5 });
    expect(run.view()).toMatchObject({ status: 'completed', output: 1 });
  });

  it.each<[string, JsonObject, string]>([
    ['a score that is missing', { good: true, score: null }, 'score_not_a_number'],
    ['a condition that is missing', { score: 1 }, 'expression_failed'],
    ['a condition of another type', { good: 'yes', score: 1 }, 'until_not_a_boolean'],
  ])('fails on %s', (_name, output, code) => {
    const run = started([loop(best)]);
    round(run, 0, output);
    expect(run.view().error).toMatchObject({ code, node: 'l' });
  });

  it('stands inside of a map', () => {
    const run = started([{ id: 'm', kind: 'map', over: [1, 2], nodes: [loop()], output: '${{ nodes.l.output.n }}' }], {
      output: '${{ nodes.m.output }}',
    });
    run.result('m[0].l[0].x', completed({ good: true, n: 1 }));
    run.result('m[1].l[0].x', completed({ good: false, n: 2 }));
    run.result('m[1].l[1].x', completed({ good: true, n: 3 }));
    expect(run.view()).toMatchObject({ status: 'completed', output: [1, 3] });
  });
});

describe('anything else changes nothing', () => {
  const cases: [string, (run: TestRun) => NewRunEvent[]][] = [
    ['a result for an unknown node', (run) => run.result('zzz')],
    ['a result for a node that has not begun', (run) => run.result('b')],
    ['a result for a path that cannot be', (run) => run.result('a[0].x')],
    ['a result of a later attempt', (run) => run.result('a', completed(), 2)],
    ['a retry timer of a running node', (run) => run.fire({ timer: 'retry', node: 'a', attempt: 1, dueAt: run.now() })],
    [
      'a timeout of a node without one',
      (run) => run.fire({ timer: 'timeout', node: 'a', attempt: 1, dueAt: run.now() }),
    ],
    ['a run timeout without one', (run) => run.fire({ timer: 'run-timeout', node: '', attempt: 0, dueAt: run.now() })],
  ];

  it.each(cases)('%s', (_name, act) => {
    const run = started([tool('a'), tool('b', { needs: ['a'] })]);
    const before = snapshotOf(run.state);
    expect(act(run)).toEqual([]);
    expect(snapshotOf(run.state)).toEqual(before);
  });

  it.each<[string, (run: TestRun) => void]>([
    ['completed', (run) => void run.result('a')],
    ['failed', (run) => void run.result('a', failed('x', false))],
    ['cancelled', (run) => void run.cancel()],
  ])('after the run has %s', (_name, end) => {
    const run = started([tool('a')], { timeout: '1h' });
    end(run);
    expect(run.result('a', completed(), 1)).toEqual([]);
    expect(run.cancel()).toEqual([]);
    expect(run.start()).toEqual([]);
    expect(run.fire({ timer: 'run-timeout', node: '', attempt: 0, dueAt: run.now() })).toEqual([]);
    expect([...run.tasks(), ...run.timers()]).toEqual([]);
  });

  it('messages before the start', () => {
    const run = new TestRun(graphOf([tool('a')]));
    expect(run.result('a')).toEqual([]);
    expect(run.cancel()).toEqual([]);
  });
});
