import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';
import { eventWaitsOf } from './wait.js';

const wait = (event: JsonObject, rest: JsonObject = {}) => ({
  ...{ id: 'paid', kind: 'wait', timeout: { total: '1h' }, event },
  ...rest,
});
const event = (data: JsonObject, rest: JsonObject = {}): JsonObject => ({
  ...{ specversion: '1.0', id: 'e1', source: '/shop', type: 'order.paid.v1', time: '2026-01-01T00:00:00Z', data },
  ...rest,
});
const filtered = wait({ subject: 'custom.order.paid.v1', filter: '${{ event.data.order == input.order }}' });

function started(nodes: JsonObject[], rest: JsonObject = {}): TestRun {
  const run = new TestRun(graphOf(nodes, rest));
  run.start({ order: 'A-17' });
  return run;
}

describe('a wait for an event', () => {
  it('ends with the first event that passes its filter, and gives it', () => {
    const run = started([filtered, tool('ship', { needs: ['paid'] })]);
    expect(eventWaitsOf(run.graph, run.state)).toEqual([{ node: 'paid', attempt: 1, subject: 'custom.order.paid.v1' }]);
    expect(run.view().steps[0]?.status).toBe('waiting');
    expect(run.event('paid', event({ order: 'B-1' }))).toEqual([]);
    expect(run.event('paid', event({}))).toEqual([]);
    expect(run.event('paid', event({ order: 'A-17' }), 2)).toEqual([]);
    expect(run.event('paid', event({ order: 'A-17' })).map(({ type }) => type)).toEqual([
      ...['NodeCompleted', 'NodeScheduled'],
    ]);
    expect(eventWaitsOf(run.graph, run.state)).toEqual([]);
    expect(run.event('paid', event({ order: 'A-17' }))).toEqual([]);
    expect(run.view().steps[1]?.status).toBe('running');
    expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  });

  it('sees its event afterwards, whatever else that says', () => {
    const run = started([wait({ subject: 'custom.>' })], { output: '${{ nodes.paid.output.region }}' });
    run.event('paid', event({}, { region: 'north' }));
    expect(run.view()).toMatchObject({ status: 'completed', output: 'north' });
  });

  it('fails when its time is up', () => {
    const run = started([filtered]);
    const [timer] = run.timers();
    if (timer) run.fire(timer);
    expect(run.view()).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
    expect(run.event('paid', event({ order: 'A-17' }))).toEqual([]);
  });

  it('takes its event while the run is paused', () => {
    const run = started([filtered]);
    run.pause();
    run.event('paid', event({ order: 'A-17' }));
    expect(run.view().status).toBe('paused');
    run.resume();
    expect(run.view().status).toBe('completed');
  });
});

it.each([
  ['without a deadline', { ...filtered, timeout: undefined }, '/nodes/0/timeout: A wait for an event needs'],
  ['beside a signal', { ...filtered, signal: { name: 'go' } }, '/nodes/0: A wait has exactly one of'],
  ['of another tenant', wait({ subject: '../evt.other' }), '/nodes/0/event/subject: must be names'],
  ['with > in the middle', wait({ subject: 'custom.>.v1' }), '/nodes/0/event/subject: must be names'],
  ['of nothing', wait({ subject: '' }), '/nodes/0/event/subject: must be names'],
  ['with a filter of no truth', wait({ subject: 'a', filter: '${{ "yes" }}' }), '/nodes/0/event/filter'],
  [
    'with a filter that reads nothing',
    wait({ subject: 'a', filter: '${{ nodes.x.output }}' }),
    '/nodes/0/event/filter',
  ],
])('a wait for an event %s is refused', (_what, node, message) => {
  const validation = validateGraph(JSON.parse(JSON.stringify(graphOf([node as JsonObject]))));
  const found =
    'violations' in validation ? validation.violations.map((each) => `${each.pointer}: ${each.message}`) : [];
  expect(found.join('\n')).toContain(message);
});
