/** What follows from committed batches: runs that began and ended, events, tasks, and how long the commits took. */
import type { RunEvent } from '@millrace/contracts';
import {
  engineCommitDuration,
  engineCommitSize,
  engineEvents,
  engineFencedCommits,
  retriesScheduled,
  runDuration,
  runsEnded,
  runsRetried,
  runsStarted,
  tasksScheduled,
  type CounterCell,
} from '@millrace/telemetry';
import type { CommitFailure } from '../run/commit-failure.js';
import type { Turn } from '../run/turn.js';

const endStatusOf = { RunCompleted: 'completed', RunFailed: 'failed', RunCancelled: 'cancelled' } as const;
const endings = Object.values(endStatusOf);

const byStatus = <Cell>(cellOf: (labels: { 'millrace.run.status': (typeof endings)[number] }) => Cell) =>
  Object.fromEntries(endings.map((status) => [status, cellOf({ 'millrace.run.status': status })])) as Record<
    (typeof endings)[number],
    Cell
  >;

export class CommitMeter {
  private readonly started = runsStarted.at({});
  private readonly ended = byStatus((labels) => runsEnded.at(labels));
  private readonly durations = byStatus((labels) => runDuration.at(labels));
  private readonly retried = runsRetried.at({});
  private readonly retries = retriesScheduled.at({});
  private readonly fenced = engineFencedCommits.at({});
  private readonly sizes = engineCommitSize.at({});
  private readonly succeeded = engineCommitDuration.at({ 'millrace.outcome': 'stored' });
  private readonly events = new Map<string, CounterCell>();
  private readonly tasks = new Map<string, CounterCell>();

  /** A batch was committed; of `fenced` partitions nothing was written. */
  stored(beganAt: number, turns: readonly Turn[], fenced: number): void {
    this.succeeded.record((performance.now() - beganAt) / 1000);
    this.fenced.add(fenced);
    let size = 0;
    for (const turn of turns) {
      size += turn.events.length;
      if (turn.started) this.started.add(1);
      for (const { event } of turn.events) this.count(event, turn);
    }
    this.sizes.record(size);
  }

  failed(beganAt: number, failure: CommitFailure): void {
    engineCommitDuration.at({ 'millrace.outcome': failure }).record((performance.now() - beganAt) / 1000);
  }

  private count(event: RunEvent, turn: Turn): void {
    this.eventCell(event.type).add(1);
    if (event.type === 'NodeScheduled') this.taskCell(event.data.kind).add(1);
    else if (event.type === 'NodeRetryScheduled') this.retries.add(1);
    else if (event.type === 'RunRetried') this.retried.add(1);
    else if (event.type in endStatusOf) this.countEnd(event, endStatusOf[event.type as keyof typeof endStatusOf], turn);
  }

  private countEnd({ at }: RunEvent, status: (typeof endings)[number], { run }: Turn): void {
    this.ended[status].add(1);
    const state = run === null || run.state.status === 'new' ? null : run.state;
    const beganAt = state?.retriedAt ?? state?.startedAt ?? at;
    this.durations[status].record(Math.max(0, Date.parse(at) - Date.parse(beganAt)) / 1000);
  }

  private eventCell(type: string): CounterCell {
    const known = this.events.get(type);
    if (known !== undefined) return known;
    const cell = engineEvents.at({ 'millrace.event.type': type });
    this.events.set(type, cell);
    return cell;
  }

  private taskCell(kind: string): CounterCell {
    const known = this.tasks.get(kind);
    if (known !== undefined) return known;
    const cell = tasksScheduled.at({ 'millrace.task.kind': kind });
    this.tasks.set(kind, cell);
    return cell;
  }
}
