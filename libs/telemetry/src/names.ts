/**
 * Every name under which Millrace shows itself to the outside: attributes of spans and of metrics, and the metrics, as
 * OpenTelemetry's semantic conventions have them where they do; everything of our own begins with `millrace.`. In the
 * Prometheus text a dot is an underscore, and the unit and `_total` (of counters) stand at the end.
 *
 * `convention` has the compiler check a name against the conventions' own constants; written out it is here because those
 * load a megabyte for the sake of fifty strings.
 */
import type * as conventions from '@opentelemetry/semantic-conventions/incubating';

const convention = <Name extends string>(name: Name): Name => name;

// -- Attributes of spans, by the conventions

/** Why something failed: a stable code, never a text. */
export const errorType = convention<typeof conventions.ATTR_ERROR_TYPE>('error.type');

export const serviceAttributes = {
  name: convention<typeof conventions.ATTR_SERVICE_NAME>('service.name'),
  instanceId: convention<typeof conventions.ATTR_SERVICE_INSTANCE_ID>('service.instance.id'),
  hostName: convention<typeof conventions.ATTR_HOST_NAME>('host.name'),
  processId: convention<typeof conventions.ATTR_PROCESS_PID>('process.pid'),
} as const;

export const httpAttributes = {
  method: convention<typeof conventions.ATTR_HTTP_REQUEST_METHOD>('http.request.method'),
  /** The route and not the address, in which a caller may have put anything. */
  route: convention<typeof conventions.ATTR_HTTP_ROUTE>('http.route'),
  statusCode: convention<typeof conventions.ATTR_HTTP_RESPONSE_STATUS_CODE>('http.response.status_code'),
  scheme: convention<typeof conventions.ATTR_URL_SCHEME>('url.scheme'),
  url: convention<typeof conventions.ATTR_URL_FULL>('url.full'),
  path: convention<typeof conventions.ATTR_URL_PATH>('url.path'),
  query: convention<typeof conventions.ATTR_URL_QUERY>('url.query'),
} as const;

export const messagingAttributes = {
  system: convention<typeof conventions.ATTR_MESSAGING_SYSTEM_NAME>('messaging.system.name'),
  operationName: convention<typeof conventions.ATTR_MESSAGING_OPERATION_NAME>('messaging.operation.name'),
  operationType: convention<typeof conventions.ATTR_MESSAGING_OPERATION_TYPE>('messaging.operation.type'),
  destination: convention<typeof conventions.ATTR_MESSAGING_DESTINATION_NAME>('messaging.destination.name'),
  destinationTemplate: convention<typeof conventions.ATTR_MESSAGING_DESTINATION_TEMPLATE>(
    'messaging.destination.template',
  ),
  messageId: convention<typeof conventions.ATTR_MESSAGING_MESSAGE_ID>('messaging.message.id'),
  consumerGroup: convention<typeof conventions.ATTR_MESSAGING_CONSUMER_GROUP_NAME>('messaging.consumer.group.name'),
} as const;

export const databaseAttributes = {
  system: convention<typeof conventions.ATTR_DB_SYSTEM_NAME>('db.system.name'),
  namespace: convention<typeof conventions.ATTR_DB_NAMESPACE>('db.namespace'),
  operation: convention<typeof conventions.ATTR_DB_OPERATION_NAME>('db.operation.name'),
  collection: convention<typeof conventions.ATTR_DB_COLLECTION_NAME>('db.collection.name'),
  summary: convention<typeof conventions.ATTR_DB_QUERY_SUMMARY>('db.query.summary'),
  /** With placeholders only: values are the tenants' data. */
  text: convention<typeof conventions.ATTR_DB_QUERY_TEXT>('db.query.text'),
  responseStatus: convention<typeof conventions.ATTR_DB_RESPONSE_STATUS_CODE>('db.response.status_code'),
} as const;

export const modelAttributes = {
  operation: convention<typeof conventions.ATTR_GEN_AI_OPERATION_NAME>('gen_ai.operation.name'),
  provider: convention<typeof conventions.ATTR_GEN_AI_PROVIDER_NAME>('gen_ai.provider.name'),
  requestModel: convention<typeof conventions.ATTR_GEN_AI_REQUEST_MODEL>('gen_ai.request.model'),
  responseModel: convention<typeof conventions.ATTR_GEN_AI_RESPONSE_MODEL>('gen_ai.response.model'),
  maxTokens: convention<typeof conventions.ATTR_GEN_AI_REQUEST_MAX_TOKENS>('gen_ai.request.max_tokens'),
  temperature: convention<typeof conventions.ATTR_GEN_AI_REQUEST_TEMPERATURE>('gen_ai.request.temperature'),
  outputType: convention<typeof conventions.ATTR_GEN_AI_OUTPUT_TYPE>('gen_ai.output.type'),
  finishReasons: convention<typeof conventions.ATTR_GEN_AI_RESPONSE_FINISH_REASONS>('gen_ai.response.finish_reasons'),
  /** Seconds. */
  timeToFirstChunk: convention<typeof conventions.ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK>(
    'gen_ai.response.time_to_first_chunk',
  ),
  inputTokens: convention<typeof conventions.ATTR_GEN_AI_USAGE_INPUT_TOKENS>('gen_ai.usage.input_tokens'),
  outputTokens: convention<typeof conventions.ATTR_GEN_AI_USAGE_OUTPUT_TOKENS>('gen_ai.usage.output_tokens'),
} as const;

// -- Attributes of spans, our own

export const millraceAttributes = {
  tenantId: 'millrace.tenant.id',
  runId: 'millrace.run.id',
  node: 'millrace.node',
  attempt: 'millrace.attempt',
  /** The same in every service, in the logs, and in the header `x-correlation-id`. */
  correlationId: 'millrace.correlation.id',
  /** 1 for the first delivery of a stored message. */
  deliveryCount: 'millrace.delivery.count',
  /** What became of a delivery: `ack`, `retry` or `dead-letter`. */
  deliveryOutcome: 'millrace.delivery.outcome',
  /** Why a link is there: one of `linkReasons`. */
  linkReason: 'millrace.link.reason',
  /** How many messages of how many runs shared a commit. */
  batchSize: 'millrace.batch.size',
} as const;

/** What a link leads to. */
export const linkReasons = {
  /** The attempt whose message was delivered again. */
  firstDelivery: 'first-delivery',
  /** What caused this so long ago that it has a trace of its own. */
  longWait: 'long-wait',
  /** The run that a message of another trace goes on with: an approval, a cancellation. */
  run: 'run',
  /** The traces that share a statement, and from each of them the statement. */
  sharedStatement: 'shared-statement',
} as const;

// -- Attributes of metrics: labels in Prometheus. Their values come from sets that are closed (see `metrics/label-values.ts`).

export const metricAttribute = {
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  errorType: 'error.type',
  operation: 'messaging.operation.name',
  destination: 'messaging.destination.template',
  consumerGroup: 'messaging.consumer.group.name',
  poolName: 'db.client.connection.pool.name',
  connectionState: 'db.client.connection.state',
  dbOperation: 'db.operation.name',
  model: 'gen_ai.request.model',
  modelProvider: 'gen_ai.provider.name',
  modelOperation: 'gen_ai.operation.name',
  tokenType: 'gen_ai.token.type',
} as const;

// -- Metrics

export const metricName = {
  httpServerRequestDuration: 'http.server.request.duration',
  httpServerActiveRequests: 'http.server.active_requests',
  httpStreamsOpen: 'millrace.http.streams.open',

  messagingClientOperationDuration: 'messaging.client.operation.duration',
  messagingClientSentMessages: 'messaging.client.sent.messages',
  messagingClientConsumedMessages: 'messaging.client.consumed.messages',
  messagingProcessDuration: 'messaging.process.duration',
  messagingRedeliveries: 'millrace.messaging.redeliveries',
  messagingDuplicatePublishes: 'millrace.messaging.duplicate_publishes',
  messagingDeadLetters: 'millrace.messaging.dead_letters',
  messagingProblems: 'millrace.messaging.problems',
  messagingPending: 'millrace.messaging.pending_operations',
  messagingConnected: 'millrace.messaging.connected',
  messagingReconnects: 'millrace.messaging.reconnects',
  messagingInboxDuplicates: 'millrace.messaging.inbox.duplicates',
  messagingOutboxMessages: 'millrace.messaging.outbox.messages',
  messagingOutboxAge: 'millrace.messaging.outbox.age',
  messagingStreamMessages: 'millrace.messaging.stream.messages',
  messagingStreamSize: 'millrace.messaging.stream.size',
  messagingStreamFill: 'millrace.messaging.stream.fill',
  messagingConsumerPending: 'millrace.messaging.consumer.pending',
  messagingConsumerUnacknowledged: 'millrace.messaging.consumer.unacknowledged',
  messagingConsumerRedelivered: 'millrace.messaging.consumer.redelivered',
  messagingStranded: 'millrace.messaging.stranded_messages',

  dbClientConnectionCount: 'db.client.connection.count',
  dbClientConnectionMax: 'db.client.connection.max',
  dbClientConnectionPendingRequests: 'db.client.connection.pending_requests',
  dbClientConnectionWaitTime: 'db.client.connection.wait_time',
  dbClientConnectionTimeouts: 'db.client.connection.timeouts',
  dbClientOperationDuration: 'db.client.operation.duration',

  taskDuration: 'millrace.task.duration',
  tasksActive: 'millrace.task.active',
  taskSlots: 'millrace.task.slots',
  taskResultRepeats: 'millrace.task.result_repeats',

  runsStarted: 'millrace.run.started',
  runsEnded: 'millrace.run.ended',
  runsRetried: 'millrace.run.retried',
  runsRemoved: 'millrace.run.removed',
  runDuration: 'millrace.run.duration',
  runsUnfinished: 'millrace.run.unfinished',
  runOldestAge: 'millrace.run.oldest_unfinished_age',
  tasksScheduled: 'millrace.engine.tasks_scheduled',
  retriesScheduled: 'millrace.engine.retries_scheduled',
  engineIgnoredMessages: 'millrace.engine.ignored_messages',
  engineWaiting: 'millrace.engine.waiting_messages',
  engineEvents: 'millrace.engine.events',
  engineCommitDuration: 'millrace.engine.commit.duration',
  engineCommitSize: 'millrace.engine.commit.size',
  engineFencedCommits: 'millrace.engine.fenced_commits',
  engineHotRuns: 'millrace.engine.hot_runs',
  engineTimers: 'millrace.engine.timers',
  publicationTurns: 'millrace.publication.waiting_tasks',
  publicationsUnderWay: 'millrace.publication.under_way',
  publicationDebts: 'millrace.publication.debts',
  publicationLag: 'millrace.publication.lag',
  publicationFailures: 'millrace.publication.failures',
  publicationRepeats: 'millrace.publication.repeated_tasks',
  partitionsHeld: 'millrace.partition.held',
  partitionChanges: 'millrace.partition.lease_changes',

  modelOperationDuration: 'gen_ai.client.operation.duration',
  modelTimeToFirstChunk: 'gen_ai.client.operation.time_to_first_chunk',
  modelTokenUsage: 'gen_ai.client.token.usage',
  modelCost: 'millrace.model.cost',

  overloadRefusals: 'millrace.overload.refusals',
  idempotencyClaims: 'millrace.idempotency.claims',
  circuitState: 'millrace.circuit.state',
  bulkheadCalls: 'millrace.bulkhead.calls',
  modelTargetState: 'millrace.model.target.state',
  callRetries: 'millrace.call.retries',
  cacheRequests: 'millrace.cache.requests',

  webhookAttempts: 'millrace.webhook.attempts',
  webhookAttemptDuration: 'millrace.webhook.attempt.duration',
  webhooksDisabled: 'millrace.webhook.disabled',

  serviceReady: 'millrace.service.ready',
  serviceInformation: 'millrace.service.info',
  logLines: 'millrace.log.lines',
  collectionFailures: 'millrace.metrics.collection_failures',
} as const;
