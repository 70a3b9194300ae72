import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

const brief = (events: readonly NewRunEvent[]): string[] =>
  events.map((event) => ('node' in event.data ? `${event.type} ${event.data.node}` : event.type));

function started(nodes: JsonValue[], rest: JsonObject = {}, input: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start(input);
  return run;
}

/** Where a migration is refused, and with what. */
function reasonsOf(run: TestRun, nodes: JsonValue[], rest: JsonObject = {}): [string, string][] {
  const before = snapshotOf(run.state);
  try {
    run.migrate(graphOf(nodes, rest));
  } catch (error) {
    expect(error).toMatchObject({ kind: 'mismatch', code: 'migration_refused' });
    expect(snapshotOf(run.state)).toEqual(before);
    return (error as { violations: { pointer: string; message: string }[] }).violations.map(({ pointer, message }) => [
      pointer,
      message,
    ]);
  }
  throw new Error('It was not refused.');
}

const chain = [tool('a'), tool('b', { needs: ['a'] }), tool('c', { needs: ['b'] })];

describe('a run that moves to another version', () => {
  it('goes on there with what it has not begun', () => {
    const run = started(chain);
    run.result('a', completed(1));
    const moved = run.migrate(
      graphOf(
        [tool('a'), tool('b', { needs: ['a'] }), tool('check', { needs: ['b'] }), tool('c', { needs: ['check'] })],
        { output: '${{ nodes.check.output }}' },
      ),
    );
    expect(brief(moved)).toEqual(['RunMigrated']);
    expect(run.tasks().map(({ node }) => node)).toEqual(['b']);
    expect(brief(run.result('b'))).toEqual(['NodeCompleted b', 'NodeScheduled check']);
    run.result('check', completed({ good: true }));
    run.result('c');
    expect(run.view()).toMatchObject({ status: 'completed', output: { good: true } });
    expect(run.view().graph?.version).toBe(2);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('begins what is ready there at once, and no more than that', () => {
    const run = started(chain);
    run.result('a', completed(1));
    const more = [...chain, tool('first'), tool('second', { needs: ['a'] }), tool('third', { needs: ['c'] })];
    expect(brief(run.migrate(graphOf(more)))).toEqual(['RunMigrated', 'NodeScheduled first', 'NodeScheduled second']);
  });

  it('begins it when it is resumed, where it is paused', () => {
    const run = started(chain);
    run.pause();
    run.result('a', completed(1));
    const other = graphOf([tool('a'), tool('new', { needs: ['a'] }), tool('alone'), tool('b', { needs: ['new'] })]);
    expect(brief(run.migrate(other))).toEqual(['RunMigrated']);
    expect(run.tasks()).toEqual([]);
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
    expect(brief(run.resume())).toEqual(['RunResumed', 'NodeScheduled new', 'NodeScheduled alone']);
  });

  it.each([true, false])('ends where nothing is left to do there, paused: %s', (isPaused) => {
    const run = started(chain);
    if (isPaused) run.pause();
    run.result('a', completed(1));
    const [a, b] = chain as [JsonObject, JsonObject];
    const events = run.migrate(graphOf(isPaused ? [a] : [a, b], { output: '${{ nodes.a.output }}' }));
    expect(brief(events)).toEqual(['RunMigrated']);
    const last = isPaused ? run.resume() : run.result('b');
    expect(brief(last).at(-1)).toBe('RunCompleted');
    expect(run.view()).toMatchObject({ status: 'completed', output: 1 });
  });

  it('changes nothing where it is there already, or has ended', () => {
    const run = started(chain);
    const other = graphOf([...chain, tool('d', { needs: ['c'] })]);
    run.migrate(other);
    expect(run.migrate(other)).toEqual([]);
    run.cancel();
    expect(() => run.migrate(graphOf(chain, { timeout: '1h' }))).toThrow(
      expect.objectContaining({ kind: 'conflict', code: 'run_ended' }),
    );
  });

  it('keeps what waits and what is open', () => {
    const open: JsonObject[] = [
      { id: 'pages', kind: 'map', over: [1, 2], as: 'page', nodes: [tool('read'), tool('sum', { needs: ['read'] })] },
      { id: 'again', kind: 'loop', maxRounds: 3, nodes: [tool('try')], output: '${{ nodes.try.output }}' },
      { id: 'go', kind: 'wait', signal: { name: 'go' }, timeout: { total: '1h' } },
    ];
    const run = started(open);
    run.result('pages[0].read', completed('x'));
    run.result('again[0].try', completed(1));
    const tasks = run.tasks();
    const timers = run.timers();
    const end = tool('end', { needs: ['pages', 'again', 'go'] });
    expect(brief(run.migrate(graphOf([end, ...open.toReversed()])))).toEqual(['RunMigrated']);
    expect(run.tasks()).toEqual(tasks);
    expect(run.timers()).toEqual(timers);
    run.signal('go');
    for (const node of ['pages[1].read', 'pages[0].sum', 'pages[1].sum', 'again[1].try', 'again[2].try', 'end'])
      run.result(node, completed(node));
    expect(run.view().status).toBe('completed');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('gets the defaults of the other version, and its limit of time', () => {
    const before = { input: { type: 'object', properties: { topic: { type: 'string' } }, required: ['topic'] } };
    const run = started(chain, before, { topic: 'mills' });
    const properties = { topic: { type: 'string' }, tone: { type: 'string', default: 'dry' } };
    const after = { input: { type: 'object', properties }, output: '${{ input.tone + input.topic }}', timeout: '1h' };
    run.migrate(graphOf(chain, after));
    expect(run.timers().map(({ timer }) => timer)).toEqual(['run-timeout']);
    for (const node of ['a', 'b', 'c']) run.result(node);
    expect(run.view()).toMatchObject({ output: 'drymills' });
  });

  it('is retried there, and takes back there what took effect', () => {
    const charge = (rest: JsonObject = {}) =>
      tool('charge', { effect: { idempotencyKey: 'k', compensate: { tool: 'refund', arguments: {} } }, ...rest });
    const run = started([charge(), tool('send', { needs: ['charge'], retry: { maxAttempts: 1 } })]);
    const attempt = { node: 'charge', attempt: 1, claim: 'w', now: run.tick() };
    run.send({ type: 'task-begin', ...attempt });
    run.result('charge', completed({ paid: 1 }));
    expect(reasonsOf(run, [tool('charge'), tool('send', { needs: ['charge'] })])).toEqual([
      ['/nodes/send', expect.stringContaining('something else')],
      ['/nodes/charge/effect', expect.stringContaining('taken back')],
    ]);
    run.migrate(graphOf([charge(), tool('send', { needs: ['charge'], retry: { maxAttempts: 1 } }), tool('more')]));
    expect(brief(run.result('send', failed('broken', false)))).toContain('NodeScheduled charge~compensate');
  });
});

describe('a move is refused', () => {
  const [a, b, c] = chain as [JsonObject, JsonObject, JsonObject];

  it('where what has begun is missing, is another kind or does something else', () => {
    const run = started(chain);
    run.result('a', completed(1));
    expect(reasonsOf(run, [tool('x')])).toEqual([
      ['/nodes/a', 'is completed and missing there'],
      ['/nodes/b', 'is running and missing there'],
    ]);
    const transform = { id: 'a', kind: 'transform', output: 1 };
    expect(reasonsOf(run, [transform, { ...b, with: { tool: 'other' } }, c])).toEqual([
      ['/nodes/a/kind', 'is completed as a tool, and a transform there'],
      ['/nodes/b', 'is running, and does something else there'],
    ]);
    expect(
      brief(run.migrate(graphOf([{ ...a, with: { tool: 'other' } }, b, { ...c, with: { tool: 'other' } }]))),
    ).toEqual(['RunMigrated']);
  });

  it('where what has begun would need what has not ended', () => {
    const run = started(chain);
    run.result('a');
    expect(reasonsOf(run, [a, tool('before'), { ...b, needs: ['a', 'before'] }, c])).toEqual([
      ['/nodes/b/needs', "has begun, and would need 'before', which has not ended"],
    ]);
  });

  it('where what is open inside has changed', () => {
    const map = (inside: JsonValue[]) => ({ id: 'pages', kind: 'map', over: [1], as: 'page', nodes: inside });
    const run = started([map([tool('read')])]);
    expect(reasonsOf(run, [map([tool('read'), tool('sum', { needs: ['read'] })])])).toEqual([
      ['/nodes/pages', 'is running, and does something else there'],
    ]);
    run.result('pages[0].read');
    expect(run.view().status).toBe('completed');
  });

  it('where what was yielded is read as something else, or the input does not fit', () => {
    const yields = (output: JsonValue) => [{ id: 'a', kind: 'transform', output }, tool('b', { needs: ['a'] })];
    const run = started(yields({ text: 'x' }), {}, { n: 1 });
    expect(reasonsOf(run, yields({ text: 1 }))).toEqual([['/nodes/a', expect.stringContaining('another type')]]);
    const input = { type: 'object', properties: { n: { type: 'string' }, m: { type: 'string' } }, required: ['m'] };
    expect(reasonsOf(run, yields({ text: 'y' }), { input }).map(([pointer]) => pointer)).toEqual([
      '/input/n',
      '/input/m',
    ]);
    run.migrate(graphOf(yields({ text: 'y' })));
  });

  it('while what it did is taken back, and where somebody else was first', () => {
    const run = started(chain);
    run.migrate(graphOf([...chain, tool('d')]));
    const stale = new TestRun(graphOf(chain));
    stale.start();
    stale.document = graphOf(chain, { timeout: '2h' });
    if (stale.state.status === 'new' || run.state.status === 'new') throw new Error('new');
    run.state = { ...run.state, graph: { ...run.state.graph, digest: 'f'.repeat(64) } };
    const { graph: from } = stale.state;
    const migration = { from, to: { ...from, version: 3, digest: 'e'.repeat(64) } };
    const message = { compiled: stale.graph, comparison: new Map() };
    expect(run.send({ type: 'migrate', migration: { ...migration, ...message }, now: run.tick() })).toEqual([]);
  });
});
