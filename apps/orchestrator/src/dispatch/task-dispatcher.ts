/**
 * Decides when a task goes to its queue. Queues are first come, first served, so whoever fills one makes all others wait: as long as
 * much waits in a queue already, further tasks wait here instead, and take turns by tenant and by priority.
 *
 * 1. While less than `burst` waits in a queue, a task goes to it at once, and nothing is asked or said for that.
 * 2. While tasks wait here, the queue is kept as long as what is being worked on: no worker waits for work.
 * 3. What waits here is nowhere else but in the events of its run. Whoever takes the partition over publishes it, so it is held in the
 *    ledger: the partition counts as published until then, and no further.
 * 4. Where the queue cannot be looked at, nothing waits.
 */
import type { RunPriority } from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';
import { keyText, type RunKey } from '../run/hot-run.js';
import { FairQueue } from './fair-queue.js';

/** A queue of tasks: the durable consumer that workers pull from. */
export interface TaskQueue {
  readonly durableName: string;
  readonly subject: string;
}

export interface DispatchedTask {
  readonly key: RunKey;
  readonly taskId: string;
  readonly queue: TaskQueue;
  readonly priority: RunPriority;
  /** Resolves when the bus has the task or its partition is in debt for it; never rejects. */
  readonly publish: () => Promise<void>;
  /** Whether anybody still wants it done. */
  readonly isDue: () => boolean;
  /** Says in the ledger that it waits. @returns what takes that back */
  readonly hold: () => () => void;
}

export interface DispatchLimits {
  /** How many tasks may wait in a queue before further ones wait here. */
  readonly burst: number;
  /** How many wait here at most, over all queues; what is beyond goes to its queue at once. */
  readonly maxHeld: number;
  /** How often a queue is looked at while tasks wait here, in milliseconds. */
  readonly lookMs: number;
  /** How many turns a tenant gets for each one of another. */
  readonly weightOf: (tenantId: string) => number;
}

/** The shortest that a queue is kept while tasks wait here. */
const shortestQueue = 8;
/** A queue in which nothing moves is looked at so often, in milliseconds. */
const longestPauseMs = 1_000;

interface HeldTask {
  readonly task: DispatchedTask;
  readonly release: () => void;
}

interface Queue {
  readonly name: TaskQueue;
  /** What waits in it, as far as is known: at most that much, but for what others publish. */
  waiting: number;
  /** Published and not confirmed yet. */
  storing: number;
  /** How long it is kept while tasks wait here. */
  target: number;
  readonly held: FairQueue<HeldTask>;
  looking: boolean;
  /** How long to wait before it is looked at again, and whether anything has gone to it since it was. */
  pauseMs: number;
  moved: boolean;
  timer: NodeJS.Timeout | undefined;
}

export class TaskDispatcher {
  private readonly queues = new Map<string, Queue>();
  private readonly heldIds = new Set<string>();
  private stopped = false;

  constructor(
    private readonly bus: Pick<MessageBus, 'backlog'>,
    private readonly limits: DispatchLimits,
    private readonly now: () => number,
    private readonly onFailure: (message: string, error: unknown) => void,
  ) {}

  /** How many tasks wait here. */
  get held(): number {
    return this.heldIds.size;
  }

  /** Publishes a task, now or when it has its turn. Resolves at once where it has to wait, and where it does already. */
  async offer(task: DispatchedTask): Promise<'published' | 'held' | 'known'> {
    if (this.heldIds.has(task.taskId)) return 'known';
    const queue = this.queueOf(task.queue);
    const mustWait = queue.held.size > 0 || queue.waiting >= this.limits.burst;
    if (!mustWait || this.stopped || this.heldIds.size >= this.limits.maxHeld) {
      await this.publish(queue, task);
      return 'published';
    }
    this.heldIds.add(task.taskId);
    queue.held.push(task.key.tenantId, task.priority, { task, release: task.hold() });
    this.look(queue);
    return 'held';
  }

  /** Somebody has done a task of a queue: one that waited in it is being done. */
  noteDone(durableName: string): void {
    const queue = this.queues.get(durableName);
    if (queue === undefined || queue.waiting === 0) return;
    queue.waiting -= 1;
    this.fill(queue);
  }

  /** Nothing of a run is to be done any more. */
  forgetRun(key: RunKey): void {
    if (this.heldIds.size === 0) return;
    const text = keyText(key);
    this.drop((task) => keyText(task.key) === text);
  }

  /** Another replica owns a partition: it publishes what waits. */
  forgetPartition(partition: number): void {
    if (this.heldIds.size > 0) this.drop(({ key }) => key.partition === partition);
  }

  /** Lets nothing wait any more, and forgets what does: whoever owns its partition next publishes it. */
  stop(): void {
    this.stopped = true;
    for (const queue of this.queues.values()) clearTimeout(queue.timer);
    this.drop(() => true);
  }

  private drop(isUnneeded: (task: DispatchedTask) => boolean): void {
    for (const queue of this.queues.values())
      for (const { task, release } of queue.held.remove(({ task: held }) => isUnneeded(held))) this.let(task, release);
  }

  private let(task: DispatchedTask, release: () => void): void {
    this.heldIds.delete(task.taskId);
    release();
  }

  private queueOf(name: TaskQueue): Queue {
    const known = this.queues.get(name.durableName);
    if (known !== undefined) return known;
    const held = new FairQueue<HeldTask>(this.limits.weightOf);
    const { burst } = this.limits;
    const queue = {
      name,
      waiting: 0,
      storing: 0,
      target: burst,
      held,
      looking: false,
      timer: undefined,
      pauseMs: 0,
      moved: false,
    };
    this.queues.set(name.durableName, queue);
    return queue;
  }

  private async publish(queue: Queue, task: DispatchedTask): Promise<void> {
    queue.waiting += 1;
    queue.storing += 1;
    await task.publish();
    queue.storing -= 1;
  }

  /** Lets tasks go while the queue is shorter than it is to be. */
  private fill(queue: Queue): void {
    while (queue.held.size > 0 && queue.waiting < queue.target) this.letNextGo(queue);
  }

  private letNextGo(queue: Queue): void {
    const next = queue.held.shift();
    if (next === undefined) return;
    const { task, release } = next;
    queue.moved = true;
    if (!task.isDue()) {
      this.let(task, release);
      return;
    }
    // Until the bus has it, it counts as waiting here: what publishes again leaves it alone.
    void this.publish(queue, task).finally(() => this.let(task, release));
  }

  /** Looks at the queue now, and again while tasks wait. One look at a time. */
  private look(queue: Queue): void {
    if (queue.looking || queue.timer !== undefined) return;
    queue.looking = true;
    const beganAt = this.now();
    void this.lookOnce(queue).finally(() => {
      queue.looking = false;
      if (queue.held.size === 0 || this.stopped) return;
      // Neither a server that answers slowly nor a queue in which nothing moves is asked more for it.
      const { lookMs } = this.limits;
      const pauseMs = queue.moved ? lookMs : Math.min(2 * queue.pauseMs, longestPauseMs);
      queue.pauseMs = Math.max(lookMs, pauseMs, 4 * (this.now() - beganAt));
      queue.moved = false;
      queue.timer = setTimeout(() => {
        queue.timer = undefined;
        this.look(queue);
      }, queue.pauseMs).unref();
    });
  }

  private async lookOnce(queue: Queue): Promise<void> {
    try {
      const backlog = await this.bus.backlog(queue.name);
      // Before a worker has ever been there nobody works: what is known of the queue is what went into it.
      if (backlog !== null) {
        queue.waiting = backlog.pending + queue.storing;
        queue.target = Math.max(shortestQueue, backlog.unacknowledged);
      }
      this.fill(queue);
    } catch (error) {
      this.onFailure('A queue of tasks could not be looked at; what waits for it goes to it.', error);
      while (queue.held.size > 0) this.letNextGo(queue);
      queue.waiting = 0;
    }
  }
}
