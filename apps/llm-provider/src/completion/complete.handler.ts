import type { InputOf, llmTask, OutputOf } from '@millrace/contracts';
import { systemClock } from '@millrace/kernel';
import { CONFIG, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { priced, PriceList } from '../ledger/price.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { PromptLibrary } from '../prompts/prompt-library.js';
import { answeredAgain, meterOf } from './completion-meter.js';
import { requestOf } from './completion-request.js';

/**
 * Completes a task once: what the model answered is in the ledger before the result is sent, and a task that comes again
 * is answered from there. Two deliveries at the same time may both ask the model; one answer stands.
 */
@Injectable()
export class CompleteHandler implements TaskHandler<typeof llmTask> {
  private readonly prices: PriceList;

  constructor(
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(PromptLibrary) private readonly prompts: PromptLibrary,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {
    this.prices = new PriceList(config.prices);
  }

  async handle(input: InputOf<typeof llmTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof llmTask>>> {
    const recorded = await this.ledger.find(task);
    if (recorded) {
      answeredAgain();
      return recorded;
    }
    const request = requestOf(input, this.prompts, this.config);
    const model = await this.models.completionModel(task.tenantId, input.model);
    const { usage, citations, ...answer } = await meterOf(model.name).measure((onText) =>
      model.complete(request, {
        payer: { tenantId: task.tenantId, keyId: null },
        signal: task.signal,
        emit: (piece) => {
          onText();
          task.emitToken(piece);
        },
      }),
    );
    const output = { ...answer, citations: [...citations], toolCalls: answer.toolCalls && [...answer.toolCalls] };
    const paid = priced(usage, this.prices.at(answer.model, systemClock.now()));
    meterOf(answer.model).used(paid);
    return this.ledger.record(task, input.prompt ?? null, { output, usage: paid }, usage.cachedPromptTokens);
  }
}
