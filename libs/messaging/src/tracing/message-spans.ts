/**
 * The spans of messages: `publish` and `request` on one side, `process` on the other, and between them a `traceparent`
 * among the headers. Live hints and tokens have none: they are many, and nothing follows from them.
 */
import { streamOf } from '../topology.js';
import {
  derivedSpanId,
  failSpan,
  inArrivedSpan,
  inSendingSpan,
  linkReasons,
  linkTo,
  messagingAttributes,
  millraceAttributes,
  spanContextOf,
  type Span,
  type SpanDescription,
} from '@millrace/telemetry';
import type { Envelope } from '@millrace/contracts';
import type { DeliveryOutcome, Headers, OutgoingMessage } from '../bus.js';
import { noHeaders } from '../wire/headers.js';
import { destinationOf } from './destination.js';

/** What a span says of the bus that carries the message: `nats`, `in-process`. */
export type MessagingSystem = string;

/** Publishes in a span, where the message is one that traces show. */
export function inPublishSpan<Result>(
  system: MessagingSystem,
  { subject, envelope, headers = noHeaders }: OutgoingMessage,
  publish: (headers: Headers) => Promise<Result>,
): Promise<Result> {
  if (streamOf(subject)?.name === 'LIVE') return publish(headers);
  return inSendingSpan(headers, () => outgoing(system, 'publish', subject, envelope), publish);
}

export function inRequestSpan<Result>(
  system: MessagingSystem,
  { subject, envelope, headers = noHeaders }: OutgoingMessage,
  request: (headers: Headers) => Promise<Result>,
): Promise<Result> {
  return inSendingSpan(headers, () => outgoing(system, 'request', subject, envelope), request);
}

/** Stores a dead letter in a span; who knows no envelope knows its headers. */
export function inDeadLetterSpan<Result>(
  system: MessagingSystem,
  subject: string,
  store: () => Promise<Result>,
): Promise<Result> {
  return inSendingSpan(noHeaders, () => outgoing(system, 'publish', subject), store);
}

export function inResponseSpan<Result>(
  system: MessagingSystem,
  message: { readonly subject: string; readonly envelope: Envelope; readonly headers: Headers },
  respond: () => Promise<Result>,
): Promise<Result> {
  const describe = (): SpanDescription => ({
    ...described('server', system, 'process', message.subject),
    attributes: { ...attributes(system, 'process', message.subject), ...envelopeAttributes(message.envelope) },
  });
  return inArrivedSpan({ headers: message.headers }, describe, respond);
}

export interface DeliveryToTrace {
  readonly system: MessagingSystem;
  readonly subject: string;
  readonly durableName: string;
  readonly headers: Headers;
  readonly deliveryCount: number;
  readonly sequence: number;
  /** Undefined for a message that cannot be read. */
  readonly envelope: Envelope | undefined;
}

/**
 * Works on a delivery in a span. Its id follows from the message and the count, so that a delivery after the first links to
 * the first attempt, although that may have ended with its process and left no trace of itself.
 */
export function inDeliverySpan(delivery: DeliveryToTrace, work: (span?: Span) => Promise<void>): Promise<void> {
  const { headers, envelope } = delivery;
  const waitedMs = envelope === undefined ? 0 : Date.now() - Date.parse(envelope.occurredAt);
  return inArrivedSpan({ headers, waitedMs }, () => describeDelivery(delivery), work);
}

/** Says in the span what became of a delivery. */
export function noteOutcome(span: Span | undefined, outcome: DeliveryOutcome): void {
  span?.setAttribute(millraceAttributes.deliveryOutcome, outcome.kind);
  if (span !== undefined && outcome.kind !== 'ack') failSpan(span, outcome.error?.code ?? outcome.kind);
}

function describeDelivery(delivery: DeliveryToTrace): SpanDescription {
  const { system, subject, durableName, headers, deliveryCount, envelope } = delivery;
  const sent = spanContextOf(headers['traceparent']);
  const idOf = (count: number): string =>
    derivedSpanId(headers['traceparent'] ?? '', subject, durableName, delivery.sequence, count);
  const isAgain = sent !== undefined && deliveryCount > 1;
  return {
    ...described('consumer', system, 'process', subject),
    attributes: {
      ...attributes(system, 'process', subject),
      [messagingAttributes.consumerGroup]: durableName,
      [millraceAttributes.deliveryCount]: deliveryCount,
      ...(envelope !== undefined && envelopeAttributes(envelope)),
    },
    ...(sent !== undefined && { spanId: idOf(deliveryCount) }),
    ...(isAgain && { links: [linkTo({ ...sent, spanId: idOf(1) }, linkReasons.firstDelivery)] }),
  };
}

const outgoing = (
  system: MessagingSystem,
  operation: 'publish' | 'request',
  subject: string,
  envelope?: Envelope,
): SpanDescription => ({
  ...described(operation === 'publish' ? 'producer' : 'client', system, operation, subject),
  attributes: {
    ...attributes(system, operation, subject),
    ...(envelope !== undefined && envelopeAttributes(envelope)),
  },
});

type Operation = 'publish' | 'request' | 'process';

const described = (kind: SpanDescription['kind'], system: MessagingSystem, operation: Operation, subject: string) => ({
  name: `${operation} ${destinationOf(subject)}`,
  kind,
  attributes: attributes(system, operation, subject),
});

function attributes(system: MessagingSystem, operation: Operation, subject: string) {
  const destination = destinationOf(subject);
  return {
    [messagingAttributes.system]: system,
    [messagingAttributes.operationName]: operation,
    [messagingAttributes.operationType]: operation === 'process' ? 'process' : 'send',
    [messagingAttributes.destination]: subject,
    ...(destination !== subject && { [messagingAttributes.destinationTemplate]: destination }),
  };
}

function envelopeAttributes({ id, tenantId, correlationId, data }: Envelope) {
  const { runId, node, attempt } = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>;
  return {
    [messagingAttributes.messageId]: id,
    [millraceAttributes.tenantId]: tenantId,
    [millraceAttributes.correlationId]: correlationId,
    ...(typeof runId === 'string' && { [millraceAttributes.runId]: runId }),
    ...(typeof node === 'string' && { [millraceAttributes.node]: node }),
    ...(typeof attempt === 'number' && { [millraceAttributes.attempt]: attempt }),
  };
}
