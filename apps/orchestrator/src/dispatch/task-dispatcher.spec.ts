import { describe, expect, it } from '@jest/globals';
import type { RunPriority } from '@millrace/contracts';
import type { Backlog } from '@millrace/messaging';
import { eventually } from '@millrace/testing';
import { TaskDispatcher, type DispatchedTask } from './task-dispatcher.js';

const queue = { durableName: 'worker-tool', subject: 'task.tool.v1' };

/** A queue that says what a test wants, and what went to it. */
function workshop(limits: { burst?: number; maxHeld?: number } = {}) {
  const state = {
    backlog: { pending: 0, unacknowledged: 0 } as Backlog | null | Error,
    looks: 0,
    published: [] as string[],
    held: new Set<string>(),
    due: (_taskId: string): boolean => true,
    failures: 0,
  };
  const bus = {
    backlog: () => {
      state.looks += 1;
      return state.backlog instanceof Error ? Promise.reject(state.backlog) : Promise.resolve(state.backlog);
    },
  };
  const dispatcher = new TaskDispatcher(
    bus,
    { burst: 4, maxHeld: 100, lookMs: 1, weightOf: () => 1, ...limits },
    () => performance.now(),
    () => (state.failures += 1),
  );
  let count = 0;
  const task = (tenantId = 'a', priority: RunPriority = 'normal', runId = `run_${(count += 1)}`): DispatchedTask => {
    const taskId = `${tenantId}-${priority}-${(count += 1)}`;
    return {
      key: { tenantId, runId, partition: tenantId === 'a' ? 1 : 2 },
      ...{ taskId, queue, priority },
      publish: () => {
        state.published.push(taskId);
        return Promise.resolve();
      },
      isDue: () => state.due(taskId),
      hold: () => {
        state.held.add(taskId);
        return () => state.held.delete(taskId);
      },
    };
  };
  const flood = (tasks: number, tenantId = 'a', priority: RunPriority = 'normal') =>
    Promise.all(Array.from({ length: tasks }, () => dispatcher.offer(task(tenantId, priority))));
  return { state, dispatcher, task, flood };
}
const busy: Backlog = { pending: 1_000, unacknowledged: 4 };

describe('the dispatcher of tasks', () => {
  it('lets tasks pass without looking at anything while few wait', async () => {
    const { state, dispatcher, flood } = workshop();
    for (let round = 0; round < 50; round += 1) {
      expect(await flood(4)).toEqual(['published', 'published', 'published', 'published']);
      for (let done = 0; done < 4; done += 1) dispatcher.noteDone(queue.durableName);
    }
    expect([state.looks, state.published.length, dispatcher.held]).toEqual([0, 200, 0]);
  });

  it('lets further tasks wait while the queue is long, and go as it gets shorter, by turns of their tenants', async () => {
    const { state, dispatcher, flood } = workshop();
    state.backlog = busy;
    await flood(80);
    expect(await flood(2, 'b')).toEqual(['held', 'held']);
    expect([state.published.length, state.held.size]).toEqual([4, 78]);
    await eventually(() => state.looks > 3);
    expect(state.published).toHaveLength(4);
    state.backlog = { pending: 4, unacknowledged: 4 };
    await eventually(() => state.published.length >= 8);
    expect(state.published.slice(4, 8).filter((id) => id.startsWith('b'))).toHaveLength(2);
    state.backlog = busy;
    const seen = state.looks;
    await eventually(() => state.looks > seen + 1);
    const before = state.published.length;
    for (let done = 0; done < 993; done += 1) dispatcher.noteDone(queue.durableName);
    expect(state.published.length).toBe(before + 1);
  });

  it('keeps a queue as long as what is being worked on, so that many workers are soon busy', async () => {
    const { state, dispatcher, flood } = workshop();
    let working = 0;
    Object.defineProperty(state, 'backlog', {
      get: () => {
        working = state.published.length;
        return { pending: 0, unacknowledged: working };
      },
    });
    await flood(100);
    await eventually(() => dispatcher.held === 0);
    expect(state.published).toHaveLength(100);
    expect(state.looks).toBeLessThan(10);
  });

  it('lets everything go where the queue cannot be looked at, and when too much waits', async () => {
    const blind = workshop();
    blind.state.backlog = new Error('forbidden');
    await blind.flood(50);
    await eventually(() => blind.state.published.length === 50);
    await eventually(() => blind.dispatcher.held === 0);
    expect(blind.state.failures).toBeGreaterThan(0);
    const full = workshop({ maxHeld: 10 });
    full.state.backlog = busy;
    await full.flood(30);
    expect(full.state.published).toHaveLength(20);
    full.dispatcher.stop();
  });

  it('lets tasks wait for a worker that has never been there, and go once it is', async () => {
    const { state, dispatcher, flood } = workshop();
    state.backlog = null;
    await flood(10);
    await eventually(() => state.looks > 2);
    expect(state.published).toHaveLength(4);
    state.backlog = { pending: 0, unacknowledged: 4 };
    await eventually(() => state.published.length === 10);
    await eventually(() => dispatcher.held === 0);
  });

  it('takes the same task once, and forgets what is not to be done any more', async () => {
    const { state, dispatcher, task, flood } = workshop();
    state.backlog = busy;
    await flood(4);
    const twice = task();
    expect(await dispatcher.offer(twice)).toBe('held');
    expect(await dispatcher.offer(twice)).toBe('known');
    const [cancelled, foreign, stale] = [task('a', 'high'), task('b'), task('c')];
    for (const each of [cancelled, foreign, stale]) await dispatcher.offer(each);
    dispatcher.forgetRun(cancelled.key);
    dispatcher.forgetPartition(1);
    expect([...state.held].sort()).toEqual([foreign.taskId, stale.taskId].sort());
    state.due = (taskId) => taskId !== stale.taskId;
    state.backlog = { pending: 0, unacknowledged: 1 };
    await eventually(() => dispatcher.held === 0);
    expect(state.published.slice(4)).toEqual([foreign.taskId]);
    expect(state.held.size).toBe(0);
  });

  it('holds nothing once it is stopped', async () => {
    const { state, dispatcher, flood } = workshop();
    state.backlog = busy;
    await flood(10);
    dispatcher.stop();
    expect([state.held.size, dispatcher.held]).toEqual([0, 0]);
    expect(await flood(3)).toEqual(['published', 'published', 'published']);
  });
});
