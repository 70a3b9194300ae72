import { envelopeOf, type evaluateTask, type OutputOf, resolveCitations } from '@millrace/contracts';
import type { MessageBus } from '@millrace/messaging';
import { BUS, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { Resolutions } from '../quality/citations.js';
import { ScoreStore } from './score.store.js';
import { type EvaluateInput, evaluateQuality, evaluateSeo } from './suites.js';

type EvaluateOutput = OutputOf<typeof evaluateTask>;

/**
 * Scores an article and records the scores under the task's id, so that a task that is delivered again gives the same answer.
 * A research service that does not answer fails the attempt; nothing is scored without its word on the citations.
 */
@Injectable()
export class EvaluateHandler implements TaskHandler<typeof evaluateTask> {
  constructor(
    @Inject(BUS) private readonly bus: MessageBus,
    @Inject(ScoreStore) private readonly scores: ScoreStore,
  ) {}

  async handle(input: EvaluateInput, task: Task): Promise<TaskResultOf<EvaluateOutput>> {
    const recorded = await this.scores.find(task.tenantId, task.taskId);
    if (recorded) return { output: recorded };
    const resolutions = await this.resolve(input, task);
    const decision = input.suite === 'quality' ? evaluateQuality(input, resolutions) : evaluateSeo(input);
    const resolved = resolutions.filter((resolution) => resolution.resolved).length;
    const output = { ...decision, citations: { total: input.citations.length, resolved } };
    return { output: await this.scores.record(task, input.suite, output) };
  }

  private async resolve(input: EvaluateInput, task: Task): Promise<Resolutions> {
    if (input.citations.length === 0) return [];
    const { tenantId, correlationId, messageId: causationId } = task;
    const context = { tenantId, correlationId, causationId };
    const envelope = envelopeOf(resolveCitations, context, { citations: input.citations });
    const reply = await this.bus.request({ subject: resolveCitations.subject, envelope }, { signal: task.signal });
    return resolveCitations.response.parse(reply).resolutions;
  }
}
