/**
 * Publishes what committed batches made due: tasks, announcements and live hints.
 *
 * 1. The writer never waits for the bus, except when too many publishes are under way (`room`): then batches wait, the
 *    gather queue fills, and callers are told of the overload.
 * 2. A publish that fails puts its partition into debt from the batch's moment on; the republisher pays debts from the
 *    stored events, with the same ids.
 * 3. The events of a run are hinted at only while somebody follows it: a hint that nobody hears costs as much as a task.
 */
import type { RunEvent } from '@millrace/contracts';
import type { MessageBus, OutgoingMessage } from '@millrace/messaging';
import { doneTasksOf, tasksOf, type CachedWork, type TaskToDo } from '@millrace/workflow';
import { isOutstanding } from '../dispatch/outstanding.js';
import type { TaskDispatcher } from '../dispatch/task-dispatcher.js';
import { queueOf } from '../dispatch/task-queues.js';
import type { OutputCache } from '../output-cache/output-cache.js';
import type { FollowedRuns } from '../following/followed-runs.js';
import { scheduleText, tracesOfTasks, type EventTraces } from '../run/event-traces.js';
import type { HotRun } from '../run/hot-run.js';
import type { Turn } from '../run/turn.js';
import { type OpenBatch, type PublicationLedger } from './publication-ledger.js';
import { type Announce, endMessage, liveMessage, taskMessage } from './run-messages.js';

interface DueMessage {
  readonly message: OutgoingMessage;
  readonly task?: TaskToDo;
}

interface DueTask {
  readonly message: OutgoingMessage;
  readonly owe: () => void;
  readonly done: () => void;
  /** When it was decided. */
  readonly at: Date;
}

export class Publisher {
  private underWay = 0;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly bus: MessageBus,
    private readonly ledger: PublicationLedger,
    private readonly dispatcher: TaskDispatcher,
    private readonly announce: Announce,
    private readonly followed: FollowedRuns,
    private readonly outputs: OutputCache,
    /** Where this replica takes results that come together. */
    private readonly togetherTo: string,
    private readonly maxUnderWay: number,
    private readonly onFailure: (error: unknown, message: OutgoingMessage) => void,
  ) {}

  /** Messages that the bus has not stored yet. */
  get pending(): number {
    return this.underWay;
  }

  /** Resolves as soon as fewer publishes are under way than the limit. */
  async room(): Promise<void> {
    while (this.underWay >= this.maxUnderWay) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Publishes a committed batch and closes it in the ledger when the bus has stored all of it. */
  publishBatch(turns: readonly Turn[], at: Date, batch: OpenBatch): void {
    let left = 1;
    const done = (): void => {
      left -= 1;
      if (left === 0) batch.close();
    };
    for (const { run, events, traces, ended } of turns) {
      if (run === null || events.length === 0) continue;
      const decided = events.map(({ event }) => event);
      const owe = (): void => this.ledger.owe(run.key.partition, { since: at, tasks: 'since' });
      for (const { message, task } of this.dueMessages(run, decided, traces, at.toISOString())) {
        left += 1;
        if (task === undefined) void this.store(message, owe, done);
        else this.publishTask(run, task, { message, owe, done, at });
      }
      this.noteDone(run, decided);
      if (this.followed.has(run.key)) this.bus.notify(liveMessage(run, decided, at.toISOString()));
      if (ended) this.dispatcher.forgetRun(run.key);
      if (ended) this.bus.notify(endMessage(run, at.toISOString()));
    }
    done();
  }

  /** Publishes a task when it has its turn; until then the ledger holds it, and its batch is not kept open. */
  private publishTask(run: HotRun, task: TaskToDo, due: DueTask): void {
    const { message, owe, done, at } = due;
    const dispatch = (): void => {
      let isWaiting = false;
      const offered = this.dispatcher.offer({
        key: run.key,
        taskId: message.envelope.id,
        queue: queueOf(run.key.tenantId, task),
        priority: run.origin.priority,
        publish: () => this.store(message, owe, isWaiting ? () => undefined : done),
        isDue: () => isOutstanding(run, task),
        hold: () => {
          isWaiting = true;
          const release = this.ledger.hold(run.key.partition, at);
          done();
          return release;
        },
      });
      void offered.then((outcome) => {
        if (outcome === 'known') done();
      });
    };
    if (task.cached === undefined) dispatch();
    else void this.storeUnlessAnswered(run, task, task.cached, dispatch, done);
  }

  /** What was done makes room in its queue. */
  private noteDone(run: HotRun, events: readonly RunEvent[]): void {
    for (const task of doneTasksOf(run.graph.compiled, run.state, events))
      this.dispatcher.noteDone(queueOf(run.key.tenantId, task).durableName);
  }

  private dueMessages(run: HotRun, events: readonly RunEvent[], traces: EventTraces, at: string): DueMessage[] {
    const scheduling = tracesOfTasks(events, traces);
    const tasks = tasksOf(run.graph.compiled, run.state, events).map((task) => ({
      task,
      message: taskMessage(run, task, at, scheduling.get(scheduleText(task)), this.togetherTo),
    }));
    return [...tasks, ...this.announce(run, events, traces).map((message) => ({ message }))];
  }

  /** Not counted as under way: completing a task from before needs the writer, which must not wait for that. */
  private async storeUnlessAnswered(
    run: HotRun,
    task: TaskToDo,
    cached: CachedWork,
    store: () => void,
    done: () => void,
  ): Promise<void> {
    if (await this.outputs.answers(run, task, cached)) done();
    else store();
  }

  private store(message: OutgoingMessage, owe: () => void, done: () => void): Promise<void> {
    this.underWay += 1;
    return this.bus
      .publish(message)
      .then(() => undefined)
      .catch((error: unknown) => {
        owe();
        this.onFailure(error, message);
      })
      .finally(() => {
        this.underWay -= 1;
        done();
        if (this.waiting.length > 0 && this.underWay < this.maxUnderWay) {
          const resumed = this.waiting;
          this.waiting = [];
          for (const resume of resumed) resume();
        }
      });
  }
}
