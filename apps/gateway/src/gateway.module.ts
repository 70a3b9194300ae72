import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access/access.guard.js';
import { Authenticator } from './access/authenticator.js';
import { KeyUse } from './access/key-use.js';
import { cacheProvider, CacheShutdown } from './cache.provider.js';
import { CommandSender } from './commands/command-sender.js';
import { endpoints } from './endpoints.js';
import { CustomEvents } from './events/custom-events.js';
import { UnreadBodies } from './http-edge.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import { RecordPruning } from './idempotency/record-pruning.js';
import { ApiKeys } from './keys/api-keys.js';
import { CreateKeyHandler } from './keys/create-key.handler.js';
import { KeyStore } from './keys/key.store.js';
import { AnswerCaller } from './openai/answer-caller.js';
import { ChatPieces } from './openai/chat-pieces.js';
import { ChatCaller } from './openai/chat-caller.js';
import { GraphCaller } from './openai/graph-caller.js';
import { KeptResponses } from './openai/responses/kept-responses.js';
import { ResponseRetention } from './openai/responses/response-retention.js';
import { ResponseStore } from './openai/responses/response.store.js';
import { ProblemFilter } from './problem/problem.filter.js';
import { RunEndWaiter } from './runs/run-end-waiter.js';
import { RunEnds } from './runs/run-ends.js';
import { RunStarter } from './runs/run-starter.js';
import { OpenStreams } from './stream/open-streams.js';
import { DeliveryStore } from './webhooks/delivery.store.js';
import { DispatchStore } from './webhooks/dispatch.store.js';
import { FeedStore } from './webhooks/feed.store.js';
import { WebhookDispatcher } from './webhooks/webhook-dispatcher.js';
import { WebhookFeeds } from './webhooks/webhook-feeds.js';
import { WebhookSecrets } from './webhooks/webhook-secrets.js';
import { WebhookStore } from './webhooks/webhook.store.js';
import { Webhooks } from './webhooks/webhooks.js';

@Module({
  controllers: endpoints,
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
    ApiKeys,
    Authenticator,
    cacheProvider,
    CacheShutdown,
    AnswerCaller,
    ChatCaller,
    ChatPieces,
    GraphCaller,
    CommandSender,
    CreateKeyHandler,
    CustomEvents,
    IdempotencyStore,
    KeyStore,
    KeyUse,
    OpenStreams,
    KeptResponses,
    RecordPruning,
    ResponseRetention,
    ResponseStore,
    RunEndWaiter,
    RunEnds,
    RunStarter,
    UnreadBodies,
    DeliveryStore,
    DispatchStore,
    FeedStore,
    WebhookDispatcher,
    WebhookFeeds,
    WebhookSecrets,
    WebhookStore,
    Webhooks,
  ],
})
export class GatewayModule {}
