import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '@millrace/kernel';
import { validateGraph } from '../document/validate.js';
import { completed, graphOf, TestRun } from '../testing/test-run.js';

const quote = { id: 'quote', kind: 'worker', worker: 'prices', timeout: { total: '1m' }, retry: { maxAttempts: 2 } };

/** A result as a program of the tenant sends it. */
const resultOf = (run: TestRun, worker: string | undefined) =>
  run.send({
    ...{ type: 'task-result', node: 'quote', attempt: 1, outcome: completed({ total: 1 }), random: 0.5 },
    ...{ worker, now: run.tick() },
  });

describe('a node for a worker of yours', () => {
  it('becomes a task for the worker that it names, with its input and deadline', () => {
    const run = new TestRun(graphOf([{ ...quote, with: { sku: '${{ input.sku }}' } }]));
    run.start({ sku: 'mug' });
    expect(run.tasks()).toMatchObject([
      {
        ...{ node: 'quote', kind: 'worker', worker: 'prices', attempt: 1, input: { sku: 'mug' } },
        deadlineAt: '2026-01-01T00:01:01.000Z',
      },
    ]);
  });

  it('is completed by that worker and by nobody else', () => {
    const run = new TestRun(graphOf([quote], { output: '${{ nodes.quote.output.total }}' }));
    run.start();
    expect(resultOf(run, 'stranger')).toEqual([]);
    expect(resultOf(run, undefined)).toEqual([]);
    resultOf(run, 'prices');
    expect(run.state).toMatchObject({ status: 'completed', output: 1 });
    expect(run.refolded()).toMatchObject({ status: 'completed', output: 1 });
  });

  it('keeps a worker from answering what is a service to do', () => {
    const run = new TestRun(graphOf([{ id: 'quote', kind: 'tool', with: { tool: 'echo' } }]));
    run.start();
    expect(resultOf(run, 'prices')).toEqual([]);
    expect(run.state).toMatchObject({ status: 'running' });
  });

  it('fails with an input that is too large to be handed over', () => {
    const run = new TestRun(graphOf([{ ...quote, with: { text: '${{ input.text }}' } }]));
    run.start({ text: 'ü'.repeat(100_001) });
    expect(run.state).toMatchObject({ status: 'failed', error: { code: 'input_too_large', node: 'quote' } });
    expect(run.tasks()).toEqual([]);
  });

  it('fails when nobody did it in time', () => {
    const run = new TestRun(graphOf([quote]));
    run.start();
    const [timer] = run.timers();
    if (timer) run.fire(timer);
    expect(run.state).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  });

  it.each([
    [{ ...quote, timeout: undefined }, '/nodes/0/timeout'],
    [{ ...quote, worker: undefined }, '/nodes/0/worker'],
    [{ ...quote, worker: 'Prices.>' }, '/nodes/0/worker'],
    [{ ...quote, worker: '*' }, '/nodes/0/worker'],
    [{ ...quote, worker: '${{ input.name }}' }, '/nodes/0/worker'],
    [{ id: 'a', kind: 'tool', with: { tool: 'echo' }, worker: 'prices' }, '/nodes/0/worker'],
  ])('is refused as %j', (node, pointer) => {
    const given = JSON.parse(JSON.stringify(node)) as JsonObject;
    const validation = validateGraph(graphOf([given]));
    expect(validation).toMatchObject({ violations: [expect.objectContaining({ pointer })] });
  });
});
