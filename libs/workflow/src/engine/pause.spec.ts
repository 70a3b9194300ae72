import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const brief = (events: readonly NewRunEvent[]): string[] =>
  events.map((event) => ('node' in event.data ? `${event.type} ${event.data.node}` : event.type));

function started(nodes: JsonValue[], rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start();
  return run;
}

describe('a paused run', () => {
  it('takes results and begins nothing, until it is resumed', () => {
    const run = started([tool('a'), tool('b'), tool('c', { needs: ['a'] }), tool('d', { needs: ['b', 'c'] })]);
    expect(brief(run.pause())).toEqual(['RunPaused']);
    expect(run.pause()).toEqual([]);
    expect(run.view().status).toBe('paused');
    expect(run.tasks().map(({ node }) => node)).toEqual(['a', 'b']);
    expect(brief(run.result('b'))).toEqual(['NodeCompleted b']);
    expect(brief(run.result('a'))).toEqual(['NodeCompleted a']);
    expect(run.tasks()).toEqual([]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
    expect(brief(run.resume())).toEqual(['RunResumed', 'NodeScheduled c']);
    expect(run.resume()).toEqual([]);
    run.result('c');
    run.result('d');
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('ends only when it is resumed', () => {
    const run = started([tool('a')], { output: '${{ nodes.a.output }}' });
    run.pause();
    expect(brief(run.result('a', completed(7)))).toEqual(['NodeCompleted a']);
    expect(brief(run.resume())).toEqual(['RunResumed', 'RunCompleted']);
    expect(run.view()).toMatchObject({ status: 'completed', output: 7 });
  });

  it('keeps the time of the next attempt', () => {
    const run = started([tool('a')]);
    run.pause();
    expect(run.timersOf(run.result('a', failed()))).toEqual([]);
    expect(run.timers()).toEqual([]);
    const retry = run.timersOf(run.resume());
    expect(retry).toMatchObject([{ timer: 'retry', node: 'a', attempt: 1 }]);
    expect(run.timers()).toEqual(retry);
    run.pause();
    expect(retry[0] && run.fire(retry[0])).toEqual([]);
    run.resume();
    expect(brief(retry[0] ? run.fire(retry[0]) : [])).toEqual(['NodeScheduled a']);
  });

  it('holds back the next item of a map and the next round of a loop', () => {
    const map = { id: 'm', kind: 'map', over: [1, 2], maxParallel: 1, nodes: [tool('x')] };
    const loop = { id: 'l', kind: 'loop', maxRounds: 2, nodes: [tool('y')] };
    const run = started([map, loop]);
    run.pause();
    run.result('m[0].x');
    run.result('l[0].y');
    expect(run.tasks()).toEqual([]);
    expect(brief(run.resume())).toEqual([
      ...['RunResumed', 'LoopRoundCompleted l', 'LoopRoundStarted l', 'NodeScheduled m[1].x', 'NodeScheduled l[1].y'],
    ]);
  });

  it('takes signals, and lets times pass', () => {
    const nodes = [
      { id: 's', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
      { id: 'w', kind: 'wait', for: '1m' },
      tool('after', { needs: ['s', 'w'] }),
    ];
    const run = started(nodes);
    run.pause();
    run.signal('go');
    const [timer] = run.timers().filter((each) => each.timer === 'wait');
    expect(brief(timer ? run.fire(timer) : [])).toEqual(['NodeCompleted w']);
    expect(brief(run.resume())).toEqual(['RunResumed', 'NodeScheduled after']);
  });

  it('still fails, times out and is cancelled', () => {
    const failing = started([tool('a')]);
    failing.pause();
    failing.result('a', failed('x', false));
    expect(failing.view().status).toBe('failed');
    const late = started([tool('a')], { timeout: '1m' });
    late.pause();
    const [timer] = late.timers();
    if (timer) late.fire(timer);
    expect(late.view()).toMatchObject({ status: 'failed', error: { code: 'run_timeout' } });
    const cancelled = started([tool('a')]);
    cancelled.pause();
    cancelled.cancel();
    expect(cancelled.view().status).toBe('cancelled');
    expect(cancelled.resume()).toEqual([]);
  });
});
