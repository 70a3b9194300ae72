import {
  completeChat,
  deleteModelRoute,
  deleteProvider,
  getModelRoute,
  listModelRoutes,
  listPrices,
  putModelRoute,
  setPrices,
  embedTexts,
  listBudgets,
  listModels,
  listProviders,
  llmTask,
  putProvider,
  readUsage,
  rerankTexts,
  routeTask,
  setBudget,
} from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { CompleteChatHandler } from './chat/complete-chat.handler.js';
import { EmbedTextsHandler } from './chat/embed-texts.handler.js';
import { RerankTextsHandler } from './chat/rerank-texts.handler.js';
import { ListModelsHandler } from './models/list-models.handler.js';
import { CompleteHandler } from './completion/complete.handler.js';
import { ListPricesHandler, SetPricesHandler } from './ledger/price.handlers.js';
import {
  DeleteModelRouteHandler,
  GetModelRouteHandler,
  ListModelRoutesHandler,
  PutModelRouteHandler,
} from './models/model-route.handlers.js';
import type { LlmProviderConfig } from './config.js';
import { ListBudgetsHandler, ReadUsageHandler, SetBudgetHandler } from './spending/spending.handlers.js';
import { DeleteProviderHandler, ListProvidersHandler, PutProviderHandler } from './models/provider.handlers.js';
import { RouteHandler } from './intents/route.handler.js';

/** The whole inbox of the llm-provider service. */
export const subscriptions = defineSubscriptions([
  { contract: llmTask, handler: CompleteHandler, slots: (config: LlmProviderConfig) => config.slots },
  { contract: routeTask, handler: RouteHandler, slots: (config: LlmProviderConfig) => config.slots },
  { contract: completeChat, handler: CompleteChatHandler, maxInFlight: 2_000 },
  { contract: embedTexts, handler: EmbedTextsHandler },
  { contract: rerankTexts, handler: RerankTextsHandler },
  { contract: listModels, handler: ListModelsHandler },
  { contract: putProvider, handler: PutProviderHandler },
  { contract: listProviders, handler: ListProvidersHandler },
  { contract: deleteProvider, handler: DeleteProviderHandler },
  { contract: putModelRoute, handler: PutModelRouteHandler },
  { contract: listModelRoutes, handler: ListModelRoutesHandler },
  { contract: getModelRoute, handler: GetModelRouteHandler },
  { contract: deleteModelRoute, handler: DeleteModelRouteHandler },
  { contract: listPrices, handler: ListPricesHandler },
  { contract: setPrices, handler: SetPricesHandler },
  { contract: setBudget, handler: SetBudgetHandler },
  { contract: listBudgets, handler: ListBudgetsHandler },
  { contract: readUsage, handler: ReadUsageHandler },
]);
