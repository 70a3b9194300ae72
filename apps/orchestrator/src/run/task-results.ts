/** Takes the results of workers. The reply comes after the commit, and only then does the worker forget the task. */
import {
  partitionOf,
  senderOfCustomResult,
  taskBegin,
  taskResult,
  violationsOf,
  type Envelope,
  type TaskBeginReply,
  type TaskOutcome,
  type TaskResultReply,
} from '@millrace/contracts';
import { invalidInput, MillraceError, sizeUpTo } from '@millrace/kernel';
import type { IncomingMessage } from '@millrace/messaging';
import type { OrchestratorCounts } from '../counts.js';
import type { RunWriter } from './run.writer.js';

export class TaskResults {
  constructor(
    private readonly writer: RunWriter,
    private readonly counts: OrchestratorCounts,
    private readonly maxOutputBytes: number,
  ) {}

  /** @throws MillraceError `invalid_result` for what is no result, and whatever `RunWriter.submit` throws */
  receive({ envelope }: IncomingMessage): Promise<TaskResultReply | TaskBeginReply> {
    return this.take(envelope);
  }

  /**
   * The result of a program of a tenant: what it says of the tenant counts only where its subject says the same.
   * @throws MillraceError `foreign_tenant`, and as `receive`
   */
  async receiveCustom({ subject, envelope }: IncomingMessage): Promise<TaskResultReply | TaskBeginReply> {
    const { tenantId, worker } = senderOfCustomResult(subject);
    if (envelope.tenantId === tenantId) return this.take(envelope, worker);
    throw new MillraceError('forbidden', 'foreign_tenant', 'The subject is not that of the tenant in the envelope.');
  }

  private take(envelope: Envelope, worker?: string): Promise<TaskResultReply | TaskBeginReply> {
    return envelope.type === taskBegin.name
      ? this.letBegin(envelope, worker)
      : this.takeResult(envelope.tenantId, envelope.data, worker);
  }

  /** Says whether a worker may begin with what must not be done twice: after that is stored. */
  private async letBegin(envelope: Envelope, worker?: string): Promise<TaskBeginReply> {
    const parsed = taskBegin.request.safeParse(envelope.data);
    if (!parsed.success) throw invalidInput('invalid_message', 'No request to begin.', violationsOf(parsed.error));
    const { runId, node, attempt, claim } = parsed.data;
    const key = { tenantId: envelope.tenantId, runId, partition: partitionOf(runId) };
    const answer = await this.writer.submit(key, { type: 'task-begin', node, attempt, claim, worker }, 0);
    return { granted: answer.kind === 'begin' && answer.granted };
  }

  /** @throws MillraceError as `receive` */
  async takeResult(tenantId: string, data: unknown, worker?: string): Promise<TaskResultReply> {
    const parsed = taskResult.request.safeParse(data);
    if (!parsed.success) throw invalidInput('invalid_result', 'This is no task result.', violationsOf(parsed.error));
    const { runId, node, attempt, outcome } = parsed.data;
    const key = { tenantId, runId, partition: partitionOf(runId) };
    const bytes = sizeUpTo(this.maxOutputBytes, outcome);
    const work = { type: 'task-result', node, attempt, outcome: this.bounded(outcome, bytes), worker } as const;
    const answer = await this.writer.submit(key, work, bytes);
    switch (answer.kind) {
      case 'applied':
        return { applied: true };
      case 'unchanged':
      case 'refused':
      case 'begin':
        this.counts.staleResults += 1;
        return { applied: false, reason: 'stale' };
      case 'unknown-run':
        this.counts.unknownRunResults += 1;
        return { applied: false, reason: 'unknown-run' };
    }
  }

  /** An output that is too large to keep fails its node for good: trying again would only make it again. */
  private bounded(outcome: TaskOutcome, bytes: number): TaskOutcome {
    if (bytes <= this.maxOutputBytes) return outcome;
    const message = `The output takes ${bytes} characters as JSON; at most ${this.maxOutputBytes} are kept.`;
    return { status: 'failed', error: new MillraceError('too-large', 'output_too_large', message).toShape() };
  }
}
