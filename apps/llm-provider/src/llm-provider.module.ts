import { CONFIG } from '@millrace/service';
import { Module } from '@nestjs/common';
import { CompleteHandler } from './completion/complete.handler.js';
import { COMPLETION_MODEL } from './completion/completion-model.js';
import { configuredModel } from './completion/configured-model.js';
import { CompletionLedger } from './ledger/completion-ledger.js';
import { PromptLibrary } from './prompts/prompt-library.js';

@Module({
  providers: [
    CompleteHandler,
    CompletionLedger,
    { provide: PromptLibrary, useFactory: () => PromptLibrary.load() },
    { provide: COMPLETION_MODEL, useFactory: configuredModel, inject: [CONFIG] },
  ],
})
export class LlmProviderModule {}
