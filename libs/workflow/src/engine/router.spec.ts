import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun } from '../testing/test-run.js';

const intents: JsonObject[] = [
  { name: 'refund', description: 'Wants money back.', examples: ['I say ${{ this }}'], then: ['pay'] },
  {
    name: 'track',
    examples: ['Where is my parcel?'],
    slots: [{ name: 'order', required: true }],
    then: ['look', 'tell'],
  },
];
const router = { id: 'desk', kind: 'router', with: { text: '${{ input.text }}' }, intents, fallback: ['human'] };
const step = (id: string): JsonObject => ({ id, kind: 'transform', needs: ['desk'], output: id });
const all = ['pay', 'look', 'tell', 'human'];
const desk = (rest: JsonObject = {}) =>
  graphOf([{ ...router, ...rest }, ...all.map(step)], { output: '${{ nodes.desk.output }}' });

const choice = (intent: string | null, confidence: number) =>
  completed({ intent, confidence, slots: { order: 'A-1' }, missing: [], model: 'extractive' });

function routed(outcome: ReturnType<typeof choice>, rest: JsonObject = {}) {
  const run = new TestRun(desk(rest));
  run.start({ text: 'Where is it?' });
  run.result('desk', outcome);
  expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
  const ran = run
    .view()
    .steps.filter(({ status }) => status === 'completed')
    .map(({ node }) => node);
  return { run, ran: ran.filter((node) => node !== 'desk') };
}

describe('a router', () => {
  it('asks with its intents, as they stand', () => {
    const run = new TestRun(desk());
    run.start({ text: 'Hm' });
    expect(run.tasks()).toMatchObject([
      {
        kind: 'router',
        input: {
          text: 'Hm',
          intents: [
            { name: 'refund', description: 'Wants money back.', examples: ['I say ${{ this }}'], slots: [] },
            { name: 'track', slots: [{ name: 'order', type: 'string', required: true }] },
          ],
        },
      },
    ]);
    expect(JSON.stringify(run.tasks())).not.toContain('then');
  });

  it.each([
    ['track', 0.9, ['look', 'tell'], 'track'],
    ['refund', 0.4, ['pay'], 'refund'],
    ['refund', 0.39, ['human'], null],
    [null, 0, ['human'], null],
    ['invented', 1, ['human'], null],
    ['constructor', 1, ['human'], null],
  ])('goes on from %j at %f with %j', (intent, confidence, ran, accepted) => {
    const { run, ran: found } = routed(choice(intent, confidence));
    expect(found).toEqual(ran);
    expect(run.state).toMatchObject({
      status: 'completed',
      output: { intent: accepted, confidence, slots: { order: 'A-1' }, missing: [], model: 'extractive', chosen: ran },
    });
  });

  it('goes nowhere where nothing is declared for it', () => {
    const { run, ran } = routed(choice(null, 0), { fallback: [] });
    expect(ran).toEqual(['human']);
    expect(run.state).toMatchObject({ output: { chosen: [] } });
  });

  it('fails, and is tried again, like every task', () => {
    const run = new TestRun(desk({ onError: { goto: 'human' } }));
    run.start({ text: 'x' });
    run.result('desk', failed('slow'));
    expect(run.state).toMatchObject({ status: 'running' });
    const [timer] = run.timers();
    if (timer) run.fire(timer);
    run.result('desk', failed('broken', false));
    expect(run.view().steps.find(({ node }) => node === 'human')).toMatchObject({ status: 'completed' });
  });

  const broken: readonly (readonly [JsonObject, string])[] = [
    [{ fallback: ['nobody'] }, '/nodes/0/fallback/0'],
    [{ intents: [] }, '/nodes/0/intents'],
    [{ intents: [{ name: 'mute', then: ['pay'] }] }, '/nodes/0/intents/0'],
    [{ intents: [{ name: 'a', description: 'x', then: ['nobody'] }] }, '/nodes/0/intents/0/then/0'],
    [{ intents: [{ name: 'a', description: 'x', then: [] }] }, '/nodes/0/intents/0/then'],
    [{ intents: [1, 2].map(() => ({ name: 'a', description: 'x', then: ['pay'] })) }, '/nodes/0/intents/1/name'],
    [
      { intents: [{ name: 'a', description: 'x', then: ['pay'], slots: [{ name: 'Bad name' }] }] },
      '/nodes/0/intents/0/slots/0/name',
    ],
    [{ threshold: 2 }, '/nodes/0/threshold'],
    [{ with: {} }, '/nodes/0/with/text'],
    [{ with: { text: 'x', intents: [] } }, '/nodes/0/with/intents'],
    [{ with: { text: 'x', temperature: 1 } }, '/nodes/0/with/temperature'],
  ];
  it.each(broken)('is refused with %j', (rest, pointer) => {
    const { output: _, ...document } = desk(rest);
    expect(validateGraph(document)).toMatchObject({
      violations: expect.arrayContaining([expect.objectContaining({ pointer })]) as unknown,
    });
  });
});
