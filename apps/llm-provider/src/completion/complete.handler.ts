import type { InputOf, llmTask, OutputOf } from '@millrace/contracts';
import { CONFIG, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { priced } from '../ledger/price.js';
import { PromptLibrary } from '../prompts/prompt-library.js';
import { CompletionMeter } from './completion-meter.js';
import { COMPLETION_MODEL, type CompletionModel } from './completion-model.js';
import { requestOf } from './completion-request.js';

/**
 * Completes a task once: what the model answered is in the ledger before the result is sent, and a task that comes again
 * is answered from there. Two deliveries at the same time may both ask the model; one answer stands.
 */
@Injectable()
export class CompleteHandler implements TaskHandler<typeof llmTask> {
  private readonly meter: CompletionMeter;

  constructor(
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(PromptLibrary) private readonly prompts: PromptLibrary,
    @Inject(COMPLETION_MODEL) private readonly model: CompletionModel,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {
    this.meter = new CompletionMeter(model.name);
  }

  async handle(input: InputOf<typeof llmTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof llmTask>>> {
    const recorded = await this.ledger.find(task);
    if (recorded) {
      this.meter.answeredAgain();
      return recorded;
    }
    const request = requestOf(input, this.prompts, this.config);
    const { usage, text, json, citations, finishReason } = await this.meter.measure((onText) =>
      this.model.complete(request, {
        signal: task.signal,
        emit: (piece) => {
          onText();
          task.emitToken(piece);
        },
      }),
    );
    const output = { text, json, citations: [...citations], model: this.model.name, finishReason };
    const paid = priced(usage, this.config.price);
    this.meter.used(paid);
    return this.ledger.record(task, input.prompt ?? null, { output, usage: paid });
  }
}
