import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { limits } from '../limits.js';
import { completed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { refusalOf } from './refusal.js';

const typesOf = (events: readonly NewRunEvent[]): string[] => events.map(({ type }) => type);

const wait = (rest: JsonObject, id = 'w'): JsonObject => ({ id, kind: 'wait', ...rest });
const forSignal = (name: string, rest: JsonObject = {}, id = 'w'): JsonObject =>
  wait({ signal: { name, ...rest }, timeout: { total: '1h' } }, id);

function started(nodes: JsonValue[], rest: JsonObject = {}, input: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start(input);
  return run;
}

const outputOf = (run: TestRun): unknown => run.view().output;

describe('a wait for a time', () => {
  it('goes on when its timer fires, and only then', () => {
    const run = started([wait({ for: '90s' })], { output: '${{ nodes.w.output.until }}' });
    expect(run.view().steps).toMatchObject([{ node: 'w', kind: 'wait', status: 'waiting' }]);
    expect(run.tasks()).toEqual([]);
    const [timer, ...others] = run.timers();
    expect(others).toEqual([]);
    expect(timer).toEqual({ timer: 'wait', node: 'w', attempt: 1, dueAt: '2026-01-01T00:01:31.000Z' });
    expect(run.timersOf(run.events)).toEqual([timer]);
    expect(run.result('w', completed({ forged: true }))).toEqual([]);
    if (timer) expect(typesOf(run.fire(timer))).toEqual(['NodeCompleted', 'RunCompleted']);
    expect(outputOf(run)).toBe('2026-01-01T00:01:31.000Z');
    if (timer) expect(run.fire(timer)).toEqual([]);
  });

  it.each([
    ['2026-01-01T01:00:00Z', '2026-01-01T01:00:00.000Z'],
    ['2026-01-01T02:30:00+02:00', '2026-01-01T00:30:00.000Z'],
  ])('waits until %s, wherever that is said', (until, dueAt) => {
    for (const run of [started([wait({ until })]), started([wait({ until: '${{ input.at }}' })], {}, { at: until })]) {
      expect(run.timers()).toMatchObject([{ timer: 'wait', dueAt }]);
    }
  });

  it('is over at once where the moment has passed', () => {
    const run = started([wait({ until: '2020-01-01T00:00:00Z' }), tool('a', { needs: ['w'] })]);
    expect(run.tasks()).toMatchObject([{ node: 'a' }]);
    expect(run.timers()).toEqual([]);
  });

  it.each<[JsonObject, JsonValue, string]>([
    [{ for: '${{ input.x }}' }, 'soon', 'invalid_wait'],
    [{ for: '${{ input.x }}' }, 5, 'invalid_wait'],
    [{ for: '${{ input.x }}' }, '400d', 'wait_too_long'],
    [{ for: '${{ input.x }}' }, '999999999d', 'wait_too_long'],
    [{ until: '${{ input.x }}' }, 'tomorrow', 'invalid_wait'],
    [{ until: '${{ input.x }}' }, '2026-01-01', 'invalid_wait'],
    [{ until: '${{ input.x }}' }, '2026-01-01T00:00:00', 'invalid_wait'],
    [{ until: '${{ input.x }}' }, '2028-01-01T00:00:00Z', 'wait_too_long'],
    [{ until: '${{ input.y }}' }, '', 'expression_failed'],
  ])('fails where %j is %j', (fields, x, code) => {
    const run = started([wait(fields)], {}, { x });
    expect(run.view()).toMatchObject({ status: 'failed', error: { code, node: 'w' } });
  });

  it('ends with the run', () => {
    const run = started([wait({ for: '1h' })]);
    run.cancel();
    expect(run.timers()).toEqual([]);
    expect(run.view().steps).toMatchObject([{ status: 'cancelled' }]);
  });

  it('holds an item of a map up, and the round of a loop', () => {
    const map = { id: 'm', kind: 'map', over: [1, 2], maxParallel: 1, nodes: [wait({ for: '${{ string(item) }}s' })] };
    const run = started([map]);
    for (const dueAt of ['2026-01-01T00:00:02.000Z', '2026-01-01T00:00:04.000Z']) {
      const [timer] = run.timers();
      expect(timer?.dueAt).toBe(dueAt);
      if (timer) run.fire(timer);
    }
    expect(run.view().status).toBe('completed');
  });
});

describe('a wait for a signal', () => {
  it('goes on with the signal', () => {
    const run = started([forSignal('paid')], { output: '${{ nodes.w.output }}' });
    expect(run.view().steps).toMatchObject([{ status: 'waiting' }]);
    expect(typesOf(run.signal('paid', { amount: 3 }))).toEqual([
      ...['SignalReceived', 'SignalConsumed', 'NodeCompleted', 'RunCompleted'],
    ]);
    expect(outputOf(run)).toEqual({ name: 'paid', data: { amount: 3 }, receivedAt: run.now() });
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('takes a signal that came before it began, the oldest first', () => {
    const nodes = [
      { ...forSignal('go', {}, 'x'), needs: ['a'] },
      { ...forSignal('go', {}, 'y'), needs: ['x'] },
    ];
    const run = started([tool('a'), ...nodes], {
      output: ['${{ nodes.x.output.data }}', '${{ nodes.y.output.data }}'],
    });
    expect(typesOf(run.signal('go', 1))).toEqual(['SignalReceived']);
    expect(typesOf(run.signal('go', 2))).toEqual(['SignalReceived']);
    run.result('a');
    expect(outputOf(run)).toEqual([1, 2]);
  });

  it('is completed by one signal each', () => {
    const run = started([forSignal('go', {}, 'x'), forSignal('go', {}, 'y')]);
    run.signal('go');
    expect(run.view().steps.map(({ status }) => status)).toEqual(['completed', 'waiting']);
    run.signal('go');
    expect(run.view().status).toBe('completed');
  });

  it('lets its filter choose, which sees what the node sees', () => {
    const item = forSignal('done', { filter: '${{ signal.data.item == item }}' });
    const map = { id: 'm', kind: 'map', over: ['a', 'b'], nodes: [item], output: '${{ nodes.w.output.data.n }}' };
    const run = started([map], { output: '${{ nodes.m.output }}' });
    expect(typesOf(run.signal('done', { item: 'c', n: 0 }))).toEqual(['SignalReceived']);
    expect(typesOf(run.signal('done', 'nothing to filter by'))).toEqual(['SignalReceived']);
    run.signal('done', { item: 'b', n: 2 });
    run.signal('done', { item: 'a', n: 1 });
    expect(outputOf(run)).toEqual([1, 2]);
  });

  it('takes a signal of one id once', () => {
    const run = started([forSignal('go', {}, 'x'), forSignal('go', {}, 'y')]);
    run.signal('go', 1, 'same');
    expect(run.signal('go', 2, 'same')).toEqual([]);
    expect(run.view().steps.map(({ status }) => status)).toEqual(['completed', 'waiting']);
  });

  it('fails when its time is up, or goes on without', () => {
    for (const [onError, status] of [['fail', 'failed'] as const, ['continue', 'completed'] as const]) {
      const run = started([{ ...forSignal('go'), onError }]);
      const [timer] = run.timers();
      expect(timer).toMatchObject({ timer: 'timeout', dueAt: '2026-01-01T01:00:01.000Z' });
      if (timer) run.fire(timer);
      expect(run.view()).toMatchObject({ status, steps: [{ status: 'failed' }] });
    }
  });

  it('says why a signal is refused', () => {
    const run = started([forSignal('go'), tool('a')]);
    const refusal = (name: string, id = 'new') =>
      refusalOf(run.graph, run.state, { type: 'signal', id, name, data: null, now: run.now() });
    expect(refusal('gone')).toMatchObject({
      code: 'unknown_signal',
      message: expect.stringContaining('It waits for: go.'),
    });
    expect(run.signal('gone')).toEqual([]);
    expect(refusal('go')).toBeNull();
    for (let count = 0; count < limits.signals; count += 1) run.signal('go', null, `n${count}`);
    expect(refusal('go')).toMatchObject({ code: 'too_many_signals', kind: 'conflict' });
    expect(refusal('go', 'n3')).toBeNull();
    expect(run.signal('go')).toEqual([]);
    run.cancel();
    expect(refusal('go')).toMatchObject({ code: 'run_ended', kind: 'conflict' });
  });
});
