import type { TaskOutcome } from '@millrace/contracts';
import { taskDuration, taskResultRepeats, tasksActive, taskSlots } from '@millrace/telemetry';
import type { LetGo } from './active-task.js';

/** What a worker measures of its tasks. */
export class WorkerMeter {
  private readonly completed;
  private readonly repeats;
  private readonly stops: readonly (() => void)[];

  constructor(
    private readonly kind: string,
    slots: number,
    countActive: () => number,
  ) {
    const labels = { 'millrace.task.kind': kind };
    this.completed = this.cellOf('completed', '');
    this.repeats = taskResultRepeats.at(labels);
    this.stops = [
      taskSlots.observe(() => [{ labels, value: slots }]),
      tasksActive.observe(() => [{ labels, value: countActive() }]),
    ];
  }

  worked(beganAt: number, outcome: TaskOutcome, letGo: LetGo | undefined): void {
    const seconds = (performance.now() - beganAt) / 1000;
    if (letGo !== undefined) this.cellOf(letGo, '').record(seconds);
    else if (outcome.status === 'completed') this.completed.record(seconds);
    else this.cellOf('failed', outcome.error.kind).record(seconds);
  }

  resultRepeated(): void {
    this.repeats.add(1);
  }

  /** The worker is gone. */
  stop(): void {
    for (const stop of this.stops) stop();
  }

  private cellOf(
    outcome: 'completed' | 'failed' | LetGo,
    errorType: Parameters<typeof taskDuration.at>[0]['error.type'],
  ) {
    return taskDuration.at({ 'millrace.task.kind': this.kind, 'millrace.outcome': outcome, 'error.type': errorType });
  }
}
