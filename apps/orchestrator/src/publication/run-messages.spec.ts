import { describe, expect, it } from '@jest/globals';
import { newId } from '@millrace/kernel';
import { noTraces } from '../run/event-traces.js';
import { resolved, single } from '../run/graphs.fixture.js';
import type { RunWork } from '../run/run-input.js';
import { takeTurn } from '../run/turn.js';
import { announcing } from './run-messages.js';

const key = { tenantId: 'acme', runId: newId('run'), partition: 3 };

function wholeRun() {
  const start: RunWork = { type: 'start', graph: resolved(single), input: {}, correlationId: 'cor-1' };
  const outcome = { status: 'completed', output: 'done' } as const;
  const result: RunWork = { type: 'task-result', node: 'only', attempt: 1, outcome };
  const { run, events } = takeTurn(key, 'unknown', [start, result], {
    now: '2026-01-02T03:04:05.678Z',
    random: () => 0.5,
  });
  if (run === null) throw new Error('not started');
  return { run, events: events.map(({ event }) => event) };
}

describe('announcing', () => {
  it.each([
    [false, ['run.started 1', 'run.completed 4']],
    [true, ['run.started 1', 'run.step-completed 3', 'run.completed 4']],
  ])('announces runs always and steps (%s) where asked, under ids of their positions', (steps, expected) => {
    const { run, events } = wholeRun();
    const announced = announcing({ steps })(run, events, noTraces);
    expect(announced.map(({ envelope }) => `${envelope.type} ${envelope.id.split(':')[1]}`)).toEqual(expected);
    for (const { subject, envelope } of announced) expect(subject).toBe(`evt.acme.${envelope.type}.v1`);
  });

  it('says again of a run that was retried since what it said of its end', () => {
    const usage = (costUsd: number) => ({ promptTokens: 10, completionTokens: 1, costUsd });
    const result = (attempt: number, costUsd: number): RunWork => ({
      ...{ type: 'task-result', node: 'only', attempt },
      outcome: { status: 'completed', output: 'done', usage: usage(costUsd) },
    });
    const start: RunWork = { type: 'start', graph: resolved(single), input: {}, correlationId: 'cor-1' };
    const at = { now: '2026-01-02T03:04:05.678Z', random: () => 0.5 };
    const first = takeTurn(key, 'unknown', [start, result(1, 0.25)], at);
    if (first.run === null) throw new Error('not started');
    const before = first.events.map(({ event }) => event);
    const announce = announcing({ steps: false });
    const said = announce(first.run, before, noTraces);
    const again = takeTurn(key, first.run, [{ type: 'retry', id: 'again', from: 'only' }, result(2, 0.5)], at);
    const history = [...before, ...again.events.map(({ event }) => event)];
    const { run } = again;
    if (run === null) throw new Error('not there');
    expect(announce(run, before, noTraces, history).at(-1)?.envelope.data).toEqual(said.at(-1)?.envelope.data);
    expect(announce(run, history, noTraces, history).at(-1)?.envelope.data).toMatchObject({ usage: { costUsd: 0.75 } });
  });
});
