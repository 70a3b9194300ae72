/** Results that come together, on a real database: each is taken, fenced and answered as if it had come alone. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { envelopeOf, taskResults, toolTask, type TaskData } from '@millrace/contracts';
import { newId } from '@millrace/kernel';
import { backendKinds, eventually } from '@millrace/testing';
import { acme, contextOf, ended, sendResult, start, World } from '../orchestrator.fixture.js';
import type { Orchestrator } from '../orchestrator.js';

jest.setTimeout(120_000);

describe.each(backendKinds)('results that come together on %s', (backend) => {
  let world: World;
  let orchestrator: Orchestrator;
  const tasks: TaskData[] = [];

  beforeAll(async () => {
    world = await World.open(backend);
    orchestrator = await world.replica('replica-1');
    const { subject } = toolTask;
    await world.bus.consume(
      { durableName: 'worker-tool', subject, slots: 50, ackWaitMs: 60_000, maxDeliveries: 5 },
      ({ envelope }) => {
        tasks.push(envelope.data as TaskData);
        return Promise.resolve({ kind: 'ack' });
      },
    );
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const taskOf = (runId: string, node: string): Promise<TaskData> =>
    eventually(() => tasks.find((task) => task.runId === runId && task.node === node) ?? false);

  const resultOf = ({ taskId, runId, node, attempt }: TaskData, text: string = node) => ({
    ...{ taskId, runId, node, attempt },
    outcome: { status: 'completed', output: { result: text } },
  });

  const send = (to: string, results: readonly unknown[], context = acme): Promise<unknown> =>
    world.bus.request({ subject: to, envelope: envelopeOf(taskResults, context, { results }) });

  it('have a verdict each, in their order, whatever is wrong with their neighbours', async () => {
    const [one, other] = await Promise.all([start(orchestrator, 'diamond'), start(orchestrator, 'diamond')]);
    const [first, second] = await Promise.all([taskOf(one.id, 'a'), taskOf(other.id, 'a')]);
    const to = first.togetherTo ?? '';
    expect(second.togetherTo).toBe(to);
    const unknown = { ...resultOf(second), runId: newId('run') };
    const results = [
      ...[resultOf(first), { ...resultOf(second), attempt: 0 }, 'nonsense', null, unknown],
      ...[{ ...resultOf(second), attempt: 2 }, resultOf(second), resultOf(second, 'again')],
    ];
    expect(await send(to, results)).toEqual({
      verdicts: [
        { applied: true },
        { error: expect.objectContaining({ code: 'invalid_result', retryable: false }) },
        { error: expect.objectContaining({ code: 'invalid_result' }) },
        { error: expect.objectContaining({ code: 'invalid_result' }) },
        { applied: false, reason: 'unknown-run' },
        { applied: false, reason: 'stale' },
        { applied: true },
        { applied: false, reason: 'stale' },
      ],
    });
    expect(await send(to, [resultOf(first)])).toEqual({ verdicts: [{ applied: false, reason: 'stale' }] });
    for (const { id } of [one, other]) {
      for (const nodes of [['b', 'c', 'd'], ['e'], ['f']]) {
        const due = await Promise.all(nodes.map((node) => taskOf(id, node)));
        expect(
          await send(
            to,
            due.map((task) => resultOf(task)),
          ),
        ).toEqual({
          verdicts: due.map(() => ({ applied: true })),
        });
      }
      expect(await ended(orchestrator, id)).toMatchObject({ status: 'completed', output: { result: 'f' } });
    }
  });

  it('of another tenant are of runs that it does not have', async () => {
    const run = await start(orchestrator, 'diamond');
    const task = await taskOf(run.id, 'a');
    expect(await send(task.togetherTo ?? '', [resultOf(task)], contextOf('globex'))).toEqual({
      verdicts: [{ applied: false, reason: 'unknown-run' }],
    });
    await sendResult(world.bus, run.id, { node: 'a' });
    await taskOf(run.id, 'b');
  });

  it.each([
    ['none', []],
    ['more than may come at once', Array.from({ length: 65 }, () => ({}))],
  ])('are refused as a whole where there are %s', async (_title, results) => {
    const run = await start(orchestrator, 'diamond');
    const { togetherTo = '' } = await taskOf(run.id, 'a');
    await expect(send(togetherTo, results)).rejects.toMatchObject({ code: 'invalid_result', retryable: false });
  });

  it('for a replica that has stopped find nobody', async () => {
    const run = await start(orchestrator, 'diamond');
    const task = await taskOf(run.id, 'a');
    await orchestrator.stop();
    await expect(send(task.togetherTo ?? '', [resultOf(task)])).rejects.toMatchObject({ code: 'no_responders' });
    orchestrator = await world.replica('replica-2');
    expect(await sendResult(world.bus, run.id, { node: 'a' })).toEqual({ applied: true });
  });
});
