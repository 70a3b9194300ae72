/** The cells of the bus's metrics, found once for each subject template and used with every message. */
import { toMillraceError, type ErrorKind } from '@millrace/kernel';
import {
  busProblems,
  deadLetters,
  duplicatePublishes,
  messageProcessDuration,
  messageRedeliveries,
  messagesConsumed,
  messagesSent,
  messagingOperationDuration,
  type HistogramCell,
} from '@millrace/telemetry';
import type { ReportProblem } from './problem.js';
import { subjectTemplate } from './subject-template.js';

type Recorder = Pick<HistogramCell, 'record'>;
type Outcome = 'acknowledged' | 'handed-back' | 'dead-letter' | 'lost';

/** Milliseconds of a clock that only goes forward. */
export const monotonicNow = (): number => performance.now();

const secondsSince = (beganAt: number): number => (monotonicNow() - beganAt) / 1000;

/** What is sent on the subjects of one template. */
class SendingMeter {
  private readonly succeeded = new Map<string, Recorder>();
  private notifications: { add(amount: number): void } | undefined;

  constructor(private readonly template: string) {}

  done(operation: 'publish' | 'request', beganAt: number): void {
    let cell = this.succeeded.get(operation);
    if (cell === undefined) this.succeeded.set(operation, (cell = this.cellOf(operation, '')));
    cell.record(secondsSince(beganAt));
  }

  failed(operation: 'publish' | 'request', beganAt: number, error: unknown): void {
    this.cellOf(operation, toMillraceError(error).kind).record(secondsSince(beganAt));
  }

  duplicate(): void {
    duplicatePublishes.at({ 'messaging.destination.template': this.template }).add(1);
  }

  notified(): void {
    this.notifications ??= messagesSent.at({
      'messaging.operation.name': 'notify',
      'messaging.destination.template': this.template,
    });
    this.notifications.add(1);
  }

  private cellOf(operation: 'publish' | 'request', errorType: '' | ErrorKind): Recorder {
    return messagingOperationDuration.at({
      'messaging.operation.name': operation,
      'messaging.destination.template': this.template,
      'error.type': errorType,
    });
  }
}

const sendingMeters = new Map<string, SendingMeter>();

export function sendingMeter(subject: string): SendingMeter {
  const template = subjectTemplate(subject);
  let meter = sendingMeters.get(template);
  if (meter === undefined) sendingMeters.set(template, (meter = new SendingMeter(template)));
  return meter;
}

/** What one responder or consumer works on. */
export class ProcessingMeter {
  private readonly template: string;
  private readonly succeeded: Recorder;

  constructor(
    private readonly operation: 'consume' | 'respond',
    subject: string,
  ) {
    this.template = subjectTemplate(subject);
    this.succeeded = this.cellOf('');
  }

  /** `errorType` is the kind of the error with which it ended, if it did. */
  processed(beganAt: number, errorType: '' | ErrorKind): void {
    const cell = errorType === '' ? this.succeeded : this.cellOf(errorType);
    cell.record(secondsSince(beganAt));
  }

  buried(code: string): void {
    deadLetters.at({ 'messaging.destination.template': this.template, 'millrace.code': code }).add(1);
  }

  private cellOf(errorType: '' | ErrorKind): Recorder {
    return messageProcessDuration.at({
      'messaging.operation.name': this.operation,
      'messaging.destination.template': this.template,
      'error.type': errorType,
    });
  }
}

/** What becomes of the deliveries of one durable name. */
export function deliveryMeter(durableName: string) {
  const group = { 'messaging.consumer.group.name': durableName };
  const counted = (outcome: Outcome) => messagesConsumed.at({ ...group, 'millrace.outcome': outcome });
  return {
    acknowledged: counted('acknowledged'),
    'handed-back': counted('handed-back'),
    'dead-letter': counted('dead-letter'),
    lost: counted('lost'),
    redelivered: messageRedeliveries.at(group),
  };
}

/** Reports problems as `report` does, and counts them. */
export function countingProblems(report: ReportProblem): ReportProblem {
  return (problem) => {
    busProblems.at({ 'millrace.code': problem.code }).add(1);
    report(problem);
  };
}
