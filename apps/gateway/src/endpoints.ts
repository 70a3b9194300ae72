import { DecideApprovalEndpoint, GetApprovalEndpoint, ListApprovalsEndpoint } from './approvals/approval.endpoints.js';
import {
  CreateCollectionEndpoint,
  ListCollectionsEndpoint,
  ListDocumentsEndpoint,
  SearchCollectionEndpoint,
} from './collections/collection.endpoints.js';
import { UploadDocumentsEndpoint } from './collections/upload-documents.endpoint.js';
import { ListEventsEndpoint } from './events/list-events.endpoint.js';
import { PublishEventsEndpoint } from './events/publish-events.endpoint.js';
import {
  GetGraphEndpoint,
  ListGraphsEndpoint,
  PublishGraphEndpoint,
  ValidateGraphEndpoint,
} from './graphs/graph.endpoints.js';
import {
  DeleteGraphAliasEndpoint,
  ListGraphAliasesEndpoint,
  SetGraphAliasEndpoint,
} from './graphs/graph-alias.endpoints.js';
import { CreateKeyEndpoint, ListKeysEndpoint, RevokeKeyEndpoint } from './keys/key.endpoints.js';
import { ChatCompletionsEndpoint } from './openai/chat-completions.endpoint.js';
import { EmbeddingsEndpoint, ModelEndpoint, ModelsEndpoint } from './openai/models.endpoints.js';
import { ResponsesEndpoint } from './openai/responses/responses.endpoint.js';
import {
  DeleteResponseEndpoint,
  GetResponseEndpoint,
  ListInputItemsEndpoint,
} from './openai/responses/kept-response.endpoints.js';
import {
  DeleteModelRouteEndpoint,
  GetModelRouteEndpoint,
  ListModelRoutesEndpoint,
  ListPricesEndpoint,
  PutModelRouteEndpoint,
  SetPricesEndpoint,
} from './providers/model-route.endpoints.js';
import { RerankEndpoint } from './providers/rerank.endpoint.js';
import { DeleteProviderEndpoint, ListProvidersEndpoint, PutProviderEndpoint } from './providers/provider.endpoints.js';
import { CancelRunEndpoint } from './runs/cancel-run.endpoint.js';
import { ForkRunEndpoint } from './runs/fork-run.endpoint.js';
import {
  GetRunEndpoint,
  ListRunEventsEndpoint,
  ListRunsEndpoint,
  RecordRunEndpoint,
} from './runs/read-runs.endpoints.js';
import { PauseRunEndpoint, ResumeRunEndpoint } from './runs/halt-run.endpoints.js';
import { DeleteRunEndpoint } from './runs/delete-run.endpoint.js';
import { MigrateRunEndpoint } from './runs/migrate-run.endpoint.js';
import { RetryRunEndpoint } from './runs/retry-run.endpoint.js';
import { SignalRunEndpoint } from './runs/signal-run.endpoint.js';
import { StartRunEndpoint } from './runs/start-run.endpoint.js';
import {
  CreateScheduleEndpoint,
  DeleteScheduleEndpoint,
  GetScheduleEndpoint,
  ListSchedulesEndpoint,
  UpdateScheduleEndpoint,
} from './schedules/schedule.endpoints.js';
import { StreamRunEndpoint } from './stream/stream-run.endpoint.js';
import { ListBudgetsEndpoint, ReadUsageEndpoint, SetBudgetEndpoint } from './spending/spending.endpoints.js';
import { LivenessEndpoint, OpenApiEndpoint, ReadinessEndpoint } from './system/system.endpoints.js';
import {
  DeleteThreadEndpoint,
  GetThreadEndpoint,
  GetThreadStateEndpoint,
  ListThreadHistoryEndpoint,
  ListThreadsEndpoint,
  PatchThreadStateEndpoint,
} from './threads/thread.endpoints.js';
import {
  ListWebhookDeliveriesEndpoint,
  RedeliverWebhookEndpoint,
  TestWebhookEndpoint,
} from './webhooks/delivery.endpoints.js';
import {
  CreateWebhookEndpoint,
  DeleteWebhookEndpoint,
  GetWebhookEndpoint,
  ListWebhooksEndpoint,
  RotateWebhookSecretEndpoint,
  UpdateWebhookEndpoint,
} from './webhooks/webhook.endpoints.js';

/** The whole HTTP side of the service: one class for each route of the contracts. */
export const endpoints = [
  StartRunEndpoint,
  ListRunsEndpoint,
  GetRunEndpoint,
  ListRunEventsEndpoint,
  RecordRunEndpoint,
  StreamRunEndpoint,
  CancelRunEndpoint,
  PauseRunEndpoint,
  ResumeRunEndpoint,
  RetryRunEndpoint,
  MigrateRunEndpoint,
  DeleteRunEndpoint,
  ForkRunEndpoint,
  SignalRunEndpoint,
  CreateScheduleEndpoint,
  ListSchedulesEndpoint,
  GetScheduleEndpoint,
  UpdateScheduleEndpoint,
  DeleteScheduleEndpoint,
  ListThreadsEndpoint,
  GetThreadEndpoint,
  DeleteThreadEndpoint,
  GetThreadStateEndpoint,
  PatchThreadStateEndpoint,
  ListThreadHistoryEndpoint,
  ListApprovalsEndpoint,
  GetApprovalEndpoint,
  DecideApprovalEndpoint,
  PublishEventsEndpoint,
  ListEventsEndpoint,
  CreateWebhookEndpoint,
  ListWebhooksEndpoint,
  GetWebhookEndpoint,
  UpdateWebhookEndpoint,
  DeleteWebhookEndpoint,
  RotateWebhookSecretEndpoint,
  TestWebhookEndpoint,
  ListWebhookDeliveriesEndpoint,
  RedeliverWebhookEndpoint,
  PublishGraphEndpoint,
  ListGraphsEndpoint,
  GetGraphEndpoint,
  ValidateGraphEndpoint,
  SetGraphAliasEndpoint,
  ListGraphAliasesEndpoint,
  DeleteGraphAliasEndpoint,
  CreateCollectionEndpoint,
  ListCollectionsEndpoint,
  UploadDocumentsEndpoint,
  ListDocumentsEndpoint,
  SearchCollectionEndpoint,
  CreateKeyEndpoint,
  ListKeysEndpoint,
  RevokeKeyEndpoint,
  PutProviderEndpoint,
  ListProvidersEndpoint,
  DeleteProviderEndpoint,
  RerankEndpoint,
  ListModelRoutesEndpoint,
  GetModelRouteEndpoint,
  PutModelRouteEndpoint,
  DeleteModelRouteEndpoint,
  ListPricesEndpoint,
  SetPricesEndpoint,
  ReadUsageEndpoint,
  ListBudgetsEndpoint,
  SetBudgetEndpoint,
  ChatCompletionsEndpoint,
  ResponsesEndpoint,
  GetResponseEndpoint,
  DeleteResponseEndpoint,
  ListInputItemsEndpoint,
  EmbeddingsEndpoint,
  ModelsEndpoint,
  ModelEndpoint,
  LivenessEndpoint,
  ReadinessEndpoint,
  OpenApiEndpoint,
];
