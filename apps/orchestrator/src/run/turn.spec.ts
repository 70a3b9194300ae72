import { describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import type { JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { rowsOf } from './batch-rows.js';
import { diamond, instant, resolved, single } from './graphs.fixture.js';
import { foldRun, runOf, type HotRun, type ResolvedGraph, type RunKey } from './hot-run.js';
import { onlyGraph } from './run-graphs.js';
import type { RunInput, RunWork } from './run-input.js';
import { takeTurn, type FoundRun, type Turn } from './turn.js';

const circumstances = { now: '2026-01-02T03:04:05.678Z', random: () => 0.5 };
const newKey = (): RunKey => ({ tenantId: 'acme', runId: newId('run'), partition: 3 });
const start = (graph: ResolvedGraph, input: JsonObject = {}): RunWork => ({
  type: 'start',
  graph,
  input,
  correlationId: 'cor-1',
});
const completed = (node: string, attempt = 1): RunInput => ({
  type: 'task-result',
  node,
  attempt,
  outcome: { status: 'completed', output: { step: node } },
});
const failed = (node: string, attempt = 1): RunInput => ({
  type: 'task-result',
  node,
  attempt,
  outcome: {
    status: 'failed',
    error: { kind: 'unavailable', code: 'down', message: 'Down.', retryable: true },
  },
});
const failure = (inPlaceOf: RunInput): RunWork => ({
  type: 'failure',
  error: { code: 'lost', message: 'Lost.' },
  inPlaceOf,
});
const typesOf = (turn: Turn) => turn.events.map(({ event }) => event.type);

function begun(graph: ResolvedGraph, key = newKey()): { key: RunKey; run: HotRun; first: Turn } {
  const first = takeTurn(key, 'unknown', [start(graph)], circumstances);
  if (first.run === null) throw new Error('not started');
  return { key, run: first.run, first };
}

describe('takeTurn', () => {
  it('starts an unknown run and answers with it', () => {
    const { first } = begun(resolved(single));
    expect(typesOf(first)).toEqual(['RunStarted', 'NodeScheduled']);
    expect(first).toMatchObject({ started: true, ended: false });
    expect(first.answers).toMatchObject([{ kind: 'applied', run: { status: 'running' } }]);
    expect(first.timersSet).toMatchObject([{ timer: 'timeout', node: 'only', attempt: 1 }]);
  });

  it('starts a run once, however often the start comes', () => {
    const graph = resolved(single);
    const { key, run } = begun(graph);
    const again = takeTurn(key, run, [start(graph), start(graph)], circumstances);
    expect(again.events).toEqual([]);
    expect(again.answers).toEqual([{ kind: 'unchanged' }, { kind: 'unchanged' }]);
    expect(rowsOf([again])).toBeNull();
    const twice = takeTurn(newKey(), 'unknown', [start(graph), start(graph)], circumstances);
    expect(twice.answers.map((answer) => answer.kind)).toEqual(['applied', 'unchanged']);
  });

  it('says what is unknown and what has ended', () => {
    for (const work of [completed('only'), { type: 'cancel', reason: 'x' } as const]) {
      expect(takeTurn(newKey(), 'unknown', [work], circumstances).answers).toEqual([{ kind: 'unknown-run' }]);
      expect(takeTurn(newKey(), 'ended', [work], circumstances).answers).toEqual([{ kind: 'unchanged' }]);
    }
  });

  it('ends a run that needs no worker in the turn of its start', () => {
    const { first } = begun(resolved(instant));
    expect(first).toMatchObject({ started: true, ended: true, timersSet: [] });
    const rows = rowsOf([first]);
    expect(rows?.runs.status).toEqual(['completed']);
  });

  it('lets a cancel beat the results that come after it, in the same batch too', () => {
    const { key, run } = begun(resolved(single));
    const turn = takeTurn(key, run, [{ type: 'cancel', reason: 'enough' }, completed('only')], circumstances);
    expect(typesOf(turn)).toEqual(['RunCancelled']);
    expect(turn.answers.map((answer) => answer.kind)).toEqual(['applied', 'unchanged']);
    expect(turn.timersDropped).toMatchObject([{ timer: 'timeout' }]);
  });

  it('ignores results of attempts that are not the current one', () => {
    const { key, run } = begun(resolved(single));
    const turn = takeTurn(key, run, [completed('only', 2), completed('other')], circumstances);
    expect(turn.events).toEqual([]);
  });

  it('keeps the timers that the state asks for', () => {
    const { key, run } = begun(resolved(single));
    const retrying = takeTurn(key, run, [failed('only')], circumstances);
    expect(retrying.timersSet).toMatchObject([{ timer: 'retry', node: 'only', attempt: 1 }]);
    const [retry] = retrying.timersSet;
    if (retry === undefined) throw new Error('no timer');
    const fired = takeTurn(key, run, [{ type: 'timer', timer: retry }], circumstances);
    expect(typesOf(fired)).toEqual(['NodeScheduled']);
    expect(fired.timersDropped).toContainEqual(retry);
    const late = takeTurn(key, run, [{ type: 'timer', timer: retry }], circumstances);
    expect(late.events).toEqual([]);
    expect(late.timersDropped).toEqual([retry]);
  });

  it('fails a run in place of a message that cannot be stored, if that message would change it', () => {
    const { key, run } = begun(resolved(single));
    const stale = takeTurn(key, run, [failure(completed('only', 2))], circumstances);
    expect([stale.events, stale.answers]).toEqual([[], [{ kind: 'unchanged' }]]);
    const turn = takeTurn(key, run, [failure(failed('only')), completed('only')], circumstances);
    expect(typesOf(turn)).toEqual(['RunFailed']);
    expect(turn).toMatchObject({ ended: true, answers: [{ kind: 'applied' }, { kind: 'unchanged' }] });
    expect(turn.timersDropped).toMatchObject([{ timer: 'timeout' }]);
    expect(runOf(run)).toMatchObject({ status: 'failed', error: { code: 'lost', message: 'Lost.' } });
  });

  it('drops the row of a timer whose run has ended or is gone', () => {
    const timer = { node: 'only', attempt: 1, timer: 'retry', dueAt: circumstances.now } as const;
    for (const found of ['ended', 'unknown'] as const) {
      const turn = takeTurn(newKey(), found, [{ type: 'timer', timer }], circumstances);
      expect(rowsOf([turn])?.timersDropped.node).toEqual(['only']);
    }
  });

  it('numbers events without a gap, and folds to the same run, whatever comes in whatever order', () => {
    const work = fc.oneof(
      fc.constantFrom(...'abcdef').map((node) => completed(node)),
      fc.constantFrom(...'abcdef').map((node) => failed(node)),
      fc
        .record({ node: fc.constantFrom(...'abcdef'), attempt: fc.integer({ min: 1, max: 4 }) })
        .map(({ node, attempt }): RunWork => ({
          type: 'timer',
          timer: { node, attempt, timer: 'retry', dueAt: circumstances.now },
        })),
      fc.constant<RunWork>({ type: 'cancel', reason: 'enough' }),
      fc.constantFrom(...'abcdef').map((node) => failure(completed(node))),
    );
    fc.assert(
      fc.property(fc.array(fc.array(work, { maxLength: 8 }), { maxLength: 12 }), (batches) => {
        const graph = resolved(diamond);
        const { key, run, first } = begun(graph);
        const turns = [first];
        let found: FoundRun = run;
        for (const batch of batches) {
          const turn = takeTurn(key, found, batch, circumstances);
          turns.push(turn);
          expect(turn.answers).toHaveLength(batch.length);
          if (run.ended) found = 'ended';
        }
        const events = turns.flatMap((turn) => turn.events.map(({ event }) => event));
        expect(events.map((event) => event.position)).toEqual(events.map((_, index) => index + 1));
        expect(turns.filter((turn) => turn.ended).length).toBe(run.ended ? 1 : 0);
        const folded = foldRun(key, onlyGraph(graph), events);
        expect(runOf(folded)).toEqual(runOf(run));
        if (!run.ended) expect([...folded.timers.keys()].sort()).toEqual([...run.timers.keys()].sort());
      }),
    );
  });
});

describe('foldRun', () => {
  it('refuses events with a gap and events without a beginning', () => {
    const graph = resolved(single);
    const { key, first } = begun(graph);
    const events = first.events.map(({ event }) => event);
    expect(() => foldRun(key, onlyGraph(graph), [])).toThrow('does not begin');
    expect(() => foldRun(key, onlyGraph(graph), events.slice(1))).toThrow('does not begin');
    expect(() =>
      foldRun(
        key,
        onlyGraph(graph),
        events.map((event, index) => ({ ...event, position: 2 * index + 1 })),
      ),
    ).toThrow('gap');
  });
});
