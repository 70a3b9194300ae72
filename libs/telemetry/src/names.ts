/**
 * The names of what Millrace measures and of the attributes it is told apart by, as OpenTelemetry's semantic conventions have
 * them where they do; everything of our own begins with `millrace.`. In the Prometheus text a dot is an underscore, and the
 * unit and `_total` (of counters) stand at the end.
 */

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
  callRetries: 'millrace.call.retries',
  cacheRequests: 'millrace.cache.requests',

  serviceReady: 'millrace.service.ready',
  serviceInformation: 'millrace.service.info',
  logLines: 'millrace.log.lines',
  collectionFailures: 'millrace.metrics.collection_failures',
} as const;
