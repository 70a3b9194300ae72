import { Module } from '@nestjs/common';
import { AnswerCacheShutdown, answerCacheProvider } from './caching/answer-cache.provider.js';
import { CompleteChatHandler } from './chat/complete-chat.handler.js';
import { EmbedTextsHandler } from './chat/embed-texts.handler.js';
import { RerankTextsHandler } from './chat/rerank-texts.handler.js';
import { OpenCalls } from './chat/open-calls.js';
import { ggufProviders } from './gguf/gguf.provider.js';
import { ListModelsHandler } from './models/list-models.handler.js';
import { CompleteHandler } from './completion/complete.handler.js';
import { CompletionLedger } from './ledger/completion-ledger.js';
import { ModelCatalogue } from './models/model-catalogue.js';
import { ProviderStore } from './models/provider.store.js';
import { DeleteProviderHandler, ListProvidersHandler, PutProviderHandler } from './models/provider.handlers.js';
import { TargetLimits } from './routing/target-limits.js';
import { TargetOpener } from './routing/target-opener.js';
import { TargetSlots } from './routing/target-slots.js';
import { ListPricesHandler, SetPricesHandler } from './ledger/price.handlers.js';
import { PriceBook } from './ledger/price-book.js';
import {
  DeleteModelRouteHandler,
  GetModelRouteHandler,
  ListModelRoutesHandler,
  PutModelRouteHandler,
} from './models/model-route.handlers.js';
import { ModelRouteStore } from './models/model-route.store.js';
import { AccountBook } from './spending/account-book.js';
import { Budgets } from './spending/budgets.js';
import { ExpiredHolds } from './spending/expired-holds.js';
import { ListBudgetsHandler, ReadUsageHandler, SetBudgetHandler } from './spending/spending.handlers.js';
import { Payments } from './spending/payments.js';
import { UsageReader } from './spending/usage.reader.js';
import { PromptLibrary } from './prompts/prompt-library.js';
import { RouteHandler } from './intents/route.handler.js';

@Module({
  providers: [
    CompleteHandler,
    CompleteChatHandler,
    EmbedTextsHandler,
    RerankTextsHandler,
    ListModelsHandler,
    OpenCalls,
    CompletionLedger,
    RouteHandler,
    { provide: PromptLibrary, useFactory: () => PromptLibrary.load() },
    ...ggufProviders,
    ModelCatalogue,
    answerCacheProvider,
    AnswerCacheShutdown,
    ProviderStore,
    TargetLimits,
    TargetSlots,
    TargetOpener,
    ModelRouteStore,
    PriceBook,
    PutModelRouteHandler,
    ListModelRoutesHandler,
    GetModelRouteHandler,
    DeleteModelRouteHandler,
    ListPricesHandler,
    SetPricesHandler,
    AccountBook,
    Budgets,
    Payments,
    ExpiredHolds,
    UsageReader,
    SetBudgetHandler,
    ListBudgetsHandler,
    ReadUsageHandler,
    PutProviderHandler,
    ListProvidersHandler,
    DeleteProviderHandler,
  ],
})
export class LlmProviderModule {}
