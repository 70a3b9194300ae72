import type { InputOf, llmTask, OutputOf } from '@millrace/contracts';
import { toMillraceError } from '@millrace/kernel';
import { CONFIG, type TaskHandler } from '@millrace/service';
import type { Task, TaskResultOf } from '@millrace/worker';
import { Inject, Injectable } from '@nestjs/common';
import type { LlmProviderConfig } from '../config.js';
import { CompletionLedger } from '../ledger/completion-ledger.js';
import { ModelCatalogue } from '../models/model-catalogue.js';
import { PromptLibrary } from '../prompts/prompt-library.js';
import { answeredAgain, meterOf } from './completion-meter.js';
import { usdOf } from '../spending/money.js';
import { CallAccount } from '../spending/call-account.js';
import type { Completion, CompletionModel, CompletionRequest } from './completion-model.js';
import { requestOf } from './completion-request.js';

/**
 * Completes a task once: what the model answered is in the ledger before the result is sent, and a task that comes again
 * is answered from there. Two deliveries at the same time may both ask the model; one answer stands.
 */
@Injectable()
export class CompleteHandler implements TaskHandler<typeof llmTask> {
  constructor(
    @Inject(CompletionLedger) private readonly ledger: CompletionLedger,
    @Inject(PromptLibrary) private readonly prompts: PromptLibrary,
    @Inject(ModelCatalogue) private readonly models: ModelCatalogue,
    @Inject(CONFIG) private readonly config: LlmProviderConfig,
  ) {}

  async handle(input: InputOf<typeof llmTask>, task: Task): Promise<TaskResultOf<OutputOf<typeof llmTask>>> {
    const recorded = await this.ledger.find(task);
    if (recorded) {
      answeredAgain();
      return recorded;
    }
    const request = requestOf(input, this.prompts, this.config);
    const model = await this.models.completionModel(task.tenantId, input.model);
    const account = new CallAccount({ ...task, keyId: null, callId: task.taskId });
    const { usage, citations, ...answer } = await this.ask(model, request, task, account);
    const output = { ...answer, citations: [...citations], toolCalls: answer.toolCalls && [...answer.toolCalls] };
    const { promptTokens, completionTokens } = usage;
    const paid = { promptTokens, completionTokens, costUsd: usdOf(account.costNano) };
    meterOf(answer.model).used(paid);
    return this.ledger.record(account, input.prompt ?? null, { output, usage: paid }, usage.cachedPromptTokens);
  }

  private async ask(
    model: CompletionModel,
    request: CompletionRequest,
    task: Task,
    account: CallAccount,
  ): Promise<Completion> {
    const emit = (onText: () => void) => (piece: string) => {
      onText();
      task.emitToken(piece);
    };
    try {
      return await meterOf(model.name).measure((onText) =>
        model.complete(request, { account, signal: task.signal, emit: emit(onText) }),
      );
    } catch (error) {
      await this.ledger.writeOff(account, toMillraceError(error).code);
      throw error;
    }
  }
}
