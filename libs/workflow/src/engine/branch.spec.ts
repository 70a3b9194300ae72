import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

function started(nodes: JsonValue[], input: JsonObject = {}, rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start(input);
  return run;
}

const statusesOf = (run: TestRun): Record<string, string> =>
  Object.fromEntries(run.view().steps.map(({ node, status }) => [node, status]));

const skips = (run: TestRun) =>
  run.events.flatMap((event) => (event.type === 'NodeSkipped' ? [`${event.data.node} ${event.data.reason}`] : []));

const route = (rest: JsonObject = {}): JsonObject => ({
  id: 'route',
  kind: 'branch',
  cases: [
    { when: '${{ input.n > 10 }}', then: ['big'] },
    { when: '${{ input.n > 5 }}', then: ['middle', 'extra'] },
  ],
  default: ['small'],
  ...rest,
});
const targets = ['big', 'middle', 'extra', 'small'].map((id) => tool(id, { needs: ['route'] }));
const join = { id: 'join', kind: 'combine', needs: ['big', 'middle', 'extra', 'small'] };

describe('a branch', () => {
  it.each<[number, string[], number | null]>([
    [11, ['big'], 0],
    [7, ['middle', 'extra'], 1],
    [1, ['small'], null],
  ])('of %j runs %j alone, and the join behind', (n, chosen, index) => {
    const run = started(
      [route(), ...targets, join],
      { n },
      { output: ['${{ nodes.route.output }}', '${{ nodes.join.output }}'] },
    );
    expect(run.tasks().map(({ node }) => node)).toEqual(chosen);
    for (const node of chosen) run.result(node, completed(node));
    const joined = Object.fromEntries(chosen.map((node) => [node, node]));
    expect(run.view()).toMatchObject({ status: 'completed', output: [{ chosen, case: index }, joined] });
    expect(skips(run)).toHaveLength(4 - chosen.length);
    expect(skips(run).every((skip) => skip.endsWith(' not-chosen'))).toBe(true);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('chooses nothing where no case is true and there is no default', () => {
    const run = started([route({ default: [] }), ...targets.slice(0, 3), { ...join, needs: ['big'] }], { n: 0 });
    expect(run.view().status).toBe('completed');
    expect(statusesOf(run)).toMatchObject({ route: 'completed', big: 'skipped', join: 'skipped' });
  });

  it('does not choose for nodes that no case names', () => {
    const run = started([route(), ...targets, tool('always', { needs: ['route'] })], { n: 20 });
    expect(run.tasks().map(({ node }) => node)).toEqual(['big', 'always']);
  });

  it('keeps an unchosen node from running whatever else it needs', () => {
    const run = started([tool('other'), route(), ...targets.slice(1), tool('big', { needs: ['route', 'other'] })], {
      n: 1,
    });
    run.result('other');
    expect(statusesOf(run)).toMatchObject({ other: 'completed', big: 'skipped', small: 'running' });
  });

  it('is skipped with all that it would choose', () => {
    const run = started([route({ when: '${{ input.n < 0 }}' }), ...targets, join], { n: 1 });
    expect(run.view().status).toBe('completed');
    expect(new Set(Object.values(statusesOf(run)))).toEqual(new Set(['skipped']));
  });

  it('fails on a case that yields no boolean, and on one that fails', () => {
    for (const [n, code] of [['x', 'expression_failed'] as const, [null, 'expression_failed'] as const]) {
      expect(started([route(), ...targets], { n }).view()).toMatchObject({
        status: 'failed',
        error: { code, node: 'route' },
      });
    }
    const odd = { ...route(), cases: [{ when: '${{ input.n }}', then: ['big'] }], default: [] };
    expect(started([odd, ...targets.slice(0, 1)], { n: 7 }).view()).toMatchObject({
      error: { code: 'case_not_a_boolean' },
    });
  });

  it('chooses anew in each item and each round', () => {
    const inner: JsonObject[] = [
      { id: 'r', kind: 'branch', cases: [{ when: '${{ item == 2 }}', then: ['two'] }], default: ['other'] },
      { id: 'two', kind: 'transform', needs: ['r'], output: 'two' },
      { id: 'other', kind: 'transform', needs: ['r'], output: 'other' },
    ];
    const output = '${{ has(nodes.two.output) ? nodes.two.output : nodes.other.output }}';
    const run = started(
      [{ id: 'm', kind: 'map', over: [1, 2, 3], nodes: inner, output }],
      {},
      { output: '${{ nodes.m.output }}' },
    );
    expect(run.view().output).toEqual(['other', 'two', 'other']);
  });

  it('is not imitated by a worker', () => {
    const run = started([tool('a', { onError: { goto: 'b' } }), tool('b', { needs: ['a'] })]);
    run.result('a', completed({ chosen: ['b'] }));
    expect(statusesOf(run)).toMatchObject({ a: 'completed', b: 'skipped' });
  });
});

describe('onError: goto', () => {
  const nodes = [
    tool('try', { onError: { goto: 'mend' } }),
    tool('mend', {
      needs: ['try'],
      with: { tool: 'echo', arguments: { why: '${{ nodes.try.?error.code.orValue("") }}' } },
    }),
    tool('use', { needs: ['try'] }),
    { id: 'join', kind: 'combine', mode: 'list', needs: ['mend', 'use'] },
  ];
  const rest = { output: '${{ nodes.join.output }}' };

  it('goes on with the other node, and with what needs that', () => {
    const run = started(nodes, {}, rest);
    run.result('try', failed('x', false));
    expect(statusesOf(run)).toEqual({ try: 'failed', mend: 'running', use: 'skipped', join: 'pending' });
    expect(run.tasks()).toMatchObject([{ node: 'mend', input: { arguments: { why: 'x' } } }]);
    expect(skips(run)).toEqual(['use upstream-skipped']);
    run.result('mend', completed('mended'));
    expect(run.view()).toMatchObject({ status: 'completed', output: ['mended'] });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('leaves the other node out where nothing failed', () => {
    const run = started(nodes, {}, rest);
    run.result('try');
    run.result('use', completed('used'));
    expect(skips(run)).toEqual(['mend not-chosen']);
    expect(run.view()).toMatchObject({ status: 'completed', output: ['used'] });
  });

  it('catches what fails inside of a map', () => {
    const map = { id: 'm', kind: 'map', over: [1, 2], onError: { goto: 'mend' }, nodes: [tool('x')] };
    const run = started([map, tool('mend', { needs: ['m'] })]);
    run.result('m[1].x', failed('x', false));
    expect(statusesOf(run)).toMatchObject({ m: 'failed', 'm[0].x': 'cancelled', mend: 'running' });
  });

  it('is where a deadline of an approval leads, but no rejection', () => {
    const approval = { id: 'ok', kind: 'approval', title: 'Go?', assignees: ['role:admin'], deadline: '1h' };
    const asked = [{ ...approval, onTimeout: { goto: 'remind' } }, tool('remind', { needs: ['ok'] })];
    const late = started(asked);
    const [timer] = late.timers();
    if (timer) late.fire(timer);
    expect(statusesOf(late)).toEqual({ ok: 'failed', remind: 'running' });
    const rejected = started(asked);
    rejected.decide('ok', 'reject', { by: { keyId: 'k', role: 'admin' } });
    expect(rejected.view()).toMatchObject({ status: 'failed', error: { code: 'approval_rejected' } });
  });
});
