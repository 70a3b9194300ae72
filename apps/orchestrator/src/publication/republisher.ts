/**
 * Publishes again what the transport may not have, from the runs' events alone: after a take-over, a failed publish, a commit of unknown
 * outcome, and, for tasks that have been outstanding for long, every so often. Ids are those of the first time, so a bus that
 * still has a message absorbs the repeat, and a worker answers a repeated task from its ledger.
 */
import type { RunEvent } from '@millrace/contracts';
import type { MessageBus, OutgoingMessage } from '@millrace/messaging';
import { outstandingTasks, type TaskToDo } from '@millrace/workflow';
import type { TaskDispatcher } from '../dispatch/task-dispatcher.js';
import { queueOf } from '../dispatch/task-queues.js';
import { scheduleText, tracesOfTasks } from '../run/event-traces.js';
import type { HotRun, RunKey } from '../run/hot-run.js';
import type { LoadedRun, RunLoader } from '../run/run.loader.js';
import type { OrchestratorStores } from '../schema/stores.js';
import type { PublicationLedger } from './publication-ledger.js';
import { type Announce, taskMessage } from './run-messages.js';

/** Which of a run's messages to publish again; moments in ISO 8601. */
interface Selection {
  readonly announces: (event: RunEvent) => boolean;
  readonly takes: (scheduledAt: string) => boolean;
}

const runsAtOnce = 50;

export class Republisher {
  constructor(
    private readonly store: OrchestratorStores['runs'],
    private readonly loader: RunLoader,
    private readonly bus: MessageBus,
    private readonly ledger: PublicationLedger,
    private readonly dispatcher: TaskDispatcher,
    private readonly announce: Announce,
    /** Where this replica takes results that come together. */
    private readonly togetherTo: string,
    private readonly onRepublished: (tasks: number) => void,
  ) {}

  /** Pays every debt there is. @throws what the database or the bus throws; what was not paid stays owed. */
  async payDebts(): Promise<void> {
    for (const [partition, debt] of this.ledger.owed()) {
      const since = debt.since.toISOString();
      const keys = await this.store.unpublishedRuns(partition, debt.since);
      await this.republish(keys, {
        announces: (event) => event.at >= since,
        takes: (scheduledAt) => debt.tasks === 'all' || scheduledAt >= since,
      });
      this.ledger.settle(partition, debt);
    }
  }

  /** Publishes tasks again that have been outstanding for `afterMs`, twice that, four times that, and so on. */
  async reconcile(
    partitions: readonly number[],
    pass: { now: Date; sincePreviousMs: number; afterMs: number },
  ): Promise<void> {
    for (const partition of partitions) {
      const keys = await this.store.unfinishedRuns(partition, new Date(pass.now.getTime() - pass.afterMs));
      await this.republish(keys, {
        announces: () => false,
        takes: (scheduledAt) =>
          isDueAgain(pass.now.getTime() - Date.parse(scheduledAt), pass.sincePreviousMs, pass.afterMs),
      });
    }
  }

  private async republish(keys: readonly RunKey[], selection: Selection): Promise<void> {
    for (let index = 0; index < keys.length; index += runsAtOnce) {
      const loaded = await this.loader.loadWithEvents(keys.slice(index, index + runsAtOnce));
      const messages = loaded.map((each) => ({
        run: each.run,
        tasks: selectedTasks(each, selection, this.togetherTo),
        announcements: this.announce(each.run, each.events.filter(selection.announces), each.traces, each.events),
      }));
      const announcing = messages.flatMap(({ announcements }) => announcements.map((each) => this.bus.publish(each)));
      const dispatching = messages.flatMap(({ run, tasks }) => tasks.map((each) => this.dispatch(run, each)));
      await Promise.all([...announcing, ...dispatching]);
      this.onRepublished(messages.reduce((sum, { tasks }) => sum + tasks.length, 0));
    }
  }

  /** Publishes a task, or lets it wait for its turn; then the partition is in debt for it should that fail. @throws what the bus throws */
  private async dispatch(run: HotRun, { task, scheduledAt, message }: SelectedTask): Promise<void> {
    const { partition } = run.key;
    const since = new Date(scheduledAt);
    let failure: Error | undefined;
    let isWaiting = false;
    await this.dispatcher.offer({
      key: run.key,
      taskId: message.envelope.id,
      queue: queueOf(run.key.tenantId, task),
      priority: run.origin.priority,
      publish: async () => {
        await this.bus.publish(message).catch((error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error));
          if (isWaiting) this.ledger.owe(partition, { since, tasks: 'since' });
        });
      },
      isDue: () => true,
      hold: () => {
        isWaiting = true;
        return this.ledger.hold(partition, since);
      },
    });
    if (failure !== undefined) throw failure;
  }
}

/** A task of a run that is published again. */
interface SelectedTask {
  readonly task: TaskToDo;
  readonly scheduledAt: string;
  readonly message: OutgoingMessage;
}

/** Whether an age passed `afterMs` times a power of two since the pass before. */
export function isDueAgain(ageMs: number, sincePreviousMs: number, afterMs: number): boolean {
  if (ageMs < afterMs) return false;
  const lastThreshold = afterMs * 2 ** Math.floor(Math.log2(ageMs / afterMs));
  return lastThreshold > ageMs - sincePreviousMs;
}

function selectedTasks({ run, events, traces }: LoadedRun, { takes }: Selection, togetherTo: string): SelectedTask[] {
  if (run.ended) return [];
  const scheduledAt = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'NodeScheduled') scheduledAt.set(scheduleText(event.data), event.at);
  }
  const scheduling = tracesOfTasks(events, traces);
  return outstandingTasks(run.graph.compiled, run.state).flatMap((task) => {
    const at = scheduledAt.get(scheduleText(task)) ?? run.origin.createdAt;
    const message = (): OutgoingMessage => taskMessage(run, task, at, scheduling.get(scheduleText(task)), togetherTo);
    return takes(at) ? [{ task, scheduledAt: at, message: message() }] : [];
  });
}
