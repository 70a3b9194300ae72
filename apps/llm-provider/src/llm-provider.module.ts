import { Module } from '@nestjs/common';
import { CompleteHandler } from './completion/complete.handler.js';
import { CompletionLedger } from './ledger/completion-ledger.js';
import { ModelCatalogue } from './models/model-catalogue.js';
import { PromptLibrary } from './prompts/prompt-library.js';

@Module({
  providers: [
    CompleteHandler,
    CompletionLedger,
    { provide: PromptLibrary, useFactory: () => PromptLibrary.load() },
    ModelCatalogue,
  ],
})
export class LlmProviderModule {}
