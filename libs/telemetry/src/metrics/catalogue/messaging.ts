import { metricAttribute as attribute, metricName } from '../../names.js';
import { counter, gauge, histogram } from '../instruments.js';
import { oneOf } from '../label-values.js';
import { consumerGroups, durationBounds, errorCodes, errorKinds, subjectTemplates } from './sets.js';

const everyService = 'every service';
const oneOrchestrator = 'the orchestrator that holds partition 0';
const streams = oneOf('TASKS', 'EVENTS', 'LIVE', 'DEAD_LETTERS');

export const messagingOperationDuration = histogram(
  {
    name: metricName.messagingClientOperationDuration,
    unit: 's',
    description: 'How long a publish took until it was stored, or a request until it was answered',
    labels: {
      [attribute.operation]: oneOf('publish', 'request'),
      [attribute.destination]: subjectTemplates,
      [attribute.errorType]: errorKinds,
    },
    from: everyService,
  },
  durationBounds,
);

export const messagesSent = counter({
  name: metricName.messagingClientSentMessages,
  unit: '{message}',
  description: 'Messages handed to the transport without waiting for an answer',
  labels: { [attribute.operation]: oneOf('notify'), [attribute.destination]: subjectTemplates },
  from: everyService,
});

export const messageProcessDuration = histogram(
  {
    name: metricName.messagingProcessDuration,
    unit: 's',
    description:
      'How long a handler had a message: of a queue until it was settled, of a request until it was answered',
    labels: {
      [attribute.operation]: oneOf('consume', 'respond'),
      [attribute.destination]: subjectTemplates,
      [attribute.errorType]: errorKinds,
    },
    from: everyService,
  },
  durationBounds,
);

export const messagesConsumed = counter({
  name: metricName.messagingClientConsumedMessages,
  unit: '{message}',
  description: 'Deliveries of a queue by what became of them; `lost` went to somebody else after a silence',
  labels: {
    [attribute.consumerGroup]: consumerGroups,
    'millrace.outcome': oneOf('acknowledged', 'handed-back', 'dead-letter', 'lost'),
  },
  from: everyService,
});

export const messageRedeliveries = counter({
  name: metricName.messagingRedeliveries,
  unit: '{message}',
  description: 'Deliveries of messages that had been delivered before',
  labels: { [attribute.consumerGroup]: consumerGroups },
  from: everyService,
});

export const duplicatePublishes = counter({
  name: metricName.messagingDuplicatePublishes,
  unit: '{message}',
  description: 'Publishes whose id the stream knew already, and that were not stored again',
  labels: { [attribute.destination]: subjectTemplates },
  from: everyService,
});

export const deadLetters = counter({
  name: metricName.messagingDeadLetters,
  unit: '{message}',
  description: 'Messages that could not be processed, by the code of the reason',
  labels: { [attribute.destination]: subjectTemplates, 'millrace.code': errorCodes },
  from: everyService,
});

export const busProblems = counter({
  name: metricName.messagingProblems,
  unit: '{problem}',
  description: 'Trouble of the bus for which no caller waited, by its code',
  labels: { 'millrace.code': errorCodes },
  from: everyService,
});

export const busPending = gauge({
  name: metricName.messagingPending,
  unit: '{operation}',
  description: 'Publishes and requests that wait for their answer now',
  labels: {},
  from: everyService,
});

export const busConnected = gauge(
  {
    name: metricName.messagingConnected,
    unit: '1',
    description: 'Whether the connection to NATS is up (1) or down (0)',
    labels: {},
    from: 'every service of its own process',
  },
  'max',
);

export const busReconnects = counter({
  name: metricName.messagingReconnects,
  unit: '{reconnect}',
  description: 'How often the connection to NATS came back',
  labels: {},
  from: 'every service of its own process',
});

export const inboxDuplicates = counter({
  name: metricName.messagingInboxDuplicates,
  unit: '{message}',
  description: 'Messages that had been handled before, and of which nothing was done again',
  labels: { [attribute.consumerGroup]: consumerGroups },
  from: 'services with an inbox table',
});

export const outboxMessages = gauge(
  {
    name: metricName.messagingOutboxMessages,
    unit: '{message}',
    description: 'Messages in the outbox table, counted up to 10,000; `parked` ones can never be published',
    labels: { 'millrace.state': oneOf('waiting', 'parked') },
    from: 'services with an outbox table, each replica the whole table',
  },
  'max',
);

export const outboxAge = gauge(
  {
    name: metricName.messagingOutboxAge,
    unit: 's',
    description: 'How long the oldest message of the outbox that is due has waited, 0 where there is none',
    labels: {},
    from: 'services with an outbox table, each replica the whole table',
  },
  'max',
);

const streamGauge = { labels: { 'millrace.stream': streams }, from: oneOrchestrator } as const;

export const streamMessages = gauge(
  {
    ...streamGauge,
    name: metricName.messagingStreamMessages,
    unit: '{message}',
    description: 'Messages that a stream holds; those of DEAD_LETTERS wait for a person',
  },
  'max',
);

export const streamSize = gauge(
  { ...streamGauge, name: metricName.messagingStreamSize, unit: 'By', description: 'What a stream holds' },
  'max',
);

export const streamFill = gauge(
  {
    ...streamGauge,
    name: metricName.messagingStreamFill,
    unit: '1',
    description:
      'How full a stream is, 0 to 1, by messages or by bytes, whichever is more; a full one refuses what is new',
  },
  'max',
);

const consumerGauge = {
  labels: { 'millrace.stream': streams, [attribute.consumerGroup]: consumerGroups },
  from: oneOrchestrator,
} as const;

export const consumerPending = gauge(
  {
    ...consumerGauge,
    name: metricName.messagingConsumerPending,
    unit: '{message}',
    description: 'Messages that a consumer has still to be given',
  },
  'max',
);

export const consumerUnacknowledged = gauge(
  {
    ...consumerGauge,
    name: metricName.messagingConsumerUnacknowledged,
    unit: '{message}',
    description: 'Messages that were delivered and not yet acknowledged',
  },
  'max',
);

export const consumerRedelivered = gauge(
  {
    ...consumerGauge,
    name: metricName.messagingConsumerRedelivered,
    unit: '{message}',
    description: 'Messages that were delivered more than once and are not yet acknowledged',
  },
  'max',
);

export const strandedMessages = gauge(
  {
    name: metricName.messagingStranded,
    unit: '{message}',
    description:
      'Tasks that nobody will ever be given: `uncovered` by the filter of any consumer, or `exhausted`, delivered as often as their consumer allows',
    labels: { 'millrace.reason': oneOf('uncovered', 'exhausted') },
    from: oneOrchestrator,
  },
  'max',
);
