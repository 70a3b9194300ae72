/**
 * Spans, as the rest of Millrace makes them.
 *
 * 1. While tracing is off, every function here only calls its `work`.
 * 2. Only what arrives from outside starts a trace (`inArrivedSpan`); everything else is a child of what is being recorded,
 *    or nothing: loops in the background leave no traces.
 * 3. A span says that something failed by a code. Texts of errors may quote what tenants wrote.
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  createContextKey,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { MillraceError } from '@millrace/kernel';
import { errorType, linkReasons, millraceAttributes } from '../names.js';
import { spanTime } from './clock.js';
import { withSpanId } from './span-ids.js';

export type { Attributes, Span, SpanContext } from '@opentelemetry/api';

/** `traceparent` and `tracestate` among other headers. */
export type TraceHeaders = Readonly<Record<string, string>>;

export interface SpanDescription {
  /** Of few different values: no ids in it. */
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly attributes: Attributes;
  readonly links?: readonly Link[];
  /** Sixteen hexadecimal digits, for a span that others link to without having met it. */
  readonly spanId?: string;
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Beyond this many milliseconds between a cause and its effect, the effect begins a trace of its own, with a link. */
const longWaitMs = 5 * 60_000;

let tracer: Tracer | undefined;

/** Turns tracing on, or off with undefined. */
export function useTracer(next: Tracer | undefined): void {
  tracer = next;
}

export const isTracing = (): boolean => tracer !== undefined;

const isSampled = (spanContext: SpanContext): boolean => (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0;

function validSpanContext(of: Context): SpanContext | undefined {
  const spanContext = trace.getSpanContext(of);
  return spanContext !== undefined && trace.isSpanContextValid(spanContext) ? spanContext : undefined;
}

/** The span that is being recorded now. */
export function recordedSpan(): Span | undefined {
  if (tracer === undefined) return undefined;
  const span = trace.getSpan(context.active());
  return span?.isRecording() === true ? span : undefined;
}

/** Ids of the active trace and span, also of one that is not recorded. */
export function activeTrace(): SpanContext | undefined {
  return tracer === undefined ? undefined : validSpanContext(context.active());
}

/** The active span as a W3C `traceparent`. */
export const activeTraceparent = (): string | undefined =>
  tracer === undefined ? undefined : (unrecordedTrace(context.active()) ?? traceparentOf(activeTrace()));

/** Most traces are not recorded where few are: what belongs to one is carried as it came, and costs next to nothing. */
const unrecordedPattern = /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/;
const unrecordedKey = createContextKey('millrace.unrecorded-trace');

const isUnrecorded = (traceparent: string | undefined): traceparent is string =>
  traceparent !== undefined && unrecordedPattern.test(traceparent);

const unrecordedTrace = (of: Context): string | undefined => of.getValue(unrecordedKey) as string | undefined;

export const traceparentOf = (of: SpanContext | undefined): string | undefined =>
  of === undefined ? undefined : `00-${of.traceId}-${of.spanId}-${isSampled(of) ? '01' : '00'}`;

/** What a `traceparent` names, where it is one. */
export function spanContextOf(traceparent: string | null | undefined): SpanContext | undefined {
  return tracer === undefined || traceparent === undefined || traceparent === null
    ? undefined
    : validSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
}

export const linkTo = (to: SpanContext, reason: (typeof linkReasons)[keyof typeof linkReasons]): Link => ({
  context: to,
  attributes: { [millraceAttributes.linkReason]: reason },
});

/** Runs `work` in a child of the recorded span. Without one, `describe` is not called. */
export function inSpan<Result>(
  describe: () => SpanDescription,
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  if (recordedSpan() === undefined) return work();
  return runIn(start(describe(), context.active()), context.active(), work);
}

/** A child of the recorded span that somebody else ends, with `endSpan`. */
export function startSpan(describe: () => SpanDescription): Span | undefined {
  return recordedSpan() === undefined ? undefined : start(describe(), context.active());
}

/** A child of the recorded span for a statement that is done, and took that long. Linked as by `inStatementSpan`. */
export function recordStatementSpan(describe: () => SpanDescription, durationMs: number, error?: unknown): void {
  if (recordedSpan() === undefined) return;
  const endedAt = spanTime();
  const span = start(describe(), context.active(), endedAt - durationMs);
  linkSharedWork(span);
  if (error !== undefined) failSpan(span, error);
  span.end(endedAt);
}

export function endSpan(span: Span | undefined, error?: unknown): void {
  if (span === undefined) return;
  if (error !== undefined) failSpan(span, error);
  span.end(spanTime());
}

/** Marks a span, or the recorded one, as failed; its error's text stays out. */
export function failSpan(span: Span | undefined, error: unknown): void {
  span?.setAttribute(errorType, errorTypeOf(error)).setStatus({ code: SpanStatusCode.ERROR });
}

const codePattern = /^[A-Za-z0-9_.-]{1,80}$/;

function errorTypeOf(error: unknown): string {
  if (error instanceof MillraceError) return error.code;
  if (typeof error === 'string') return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && codePattern.test(code)) return code;
  return error instanceof Error ? error.name : 'unknown';
}

/** What arrived from outside, and since when it has waited. */
export interface Arrival {
  readonly headers: TraceHeaders;
  /** How long ago its cause was, in milliseconds. */
  readonly waitedMs?: number;
}

export interface StartedSpan {
  readonly span: Span | undefined;
  /** Runs `work` as part of the span, or of the trace that is not recorded. */
  readonly run: <Result>(work: () => Result) => Result;
}

/** A span for what arrived: a child of the sender's, or the first of a trace. Ended with `endSpan`. */
export function startArrivedSpan(arrival: Arrival, describe: () => SpanDescription): StartedSpan {
  if (tracer === undefined) return { span: undefined, run: (work) => work() };
  const { traceparent } = arrival.headers;
  if (isUnrecorded(traceparent)) {
    const unrecorded = ROOT_CONTEXT.setValue(unrecordedKey, traceparent);
    return { span: undefined, run: (work) => context.with(unrecorded, work) };
  }
  const sender = propagation.extract(ROOT_CONTEXT, arrival.headers);
  const sent = validSpanContext(sender);
  const span =
    sent !== undefined && (arrival.waitedMs ?? 0) > longWaitMs
      ? startAnew(describe(), linkTo(sent, linkReasons.longWait))
      : start(describe(), sender);
  return {
    span: span.isRecording() ? span : undefined,
    run: (work) => context.with(trace.setSpan(sender, span), work),
  };
}

/** Runs `work` in a span for what arrived. */
export function inArrivedSpan<Result>(
  arrival: Arrival,
  describe: () => SpanDescription,
  work: (span?: Span) => Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return work();
  const { span, run } = startArrivedSpan(arrival, describe);
  return run(() => (span === undefined ? work() : settle(span, work)));
}

/**
 * Sends something in a span, with headers that name it. Headers that name a trace already say what caused the message;
 * otherwise that is the active span.
 */
export function inSendingSpan<Result>(
  headers: TraceHeaders,
  describe: () => SpanDescription,
  send: (headers: TraceHeaders) => Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return send(headers);
  const { traceparent } = headers;
  if (isUnrecorded(traceparent)) return send(headers);
  const namesTrace = traceparent !== undefined;
  const unrecorded = namesTrace ? undefined : unrecordedTrace(context.active());
  if (unrecorded !== undefined) return send({ ...headers, traceparent: unrecorded });
  const cause = namesTrace ? propagation.extract(ROOT_CONTEXT, headers) : context.active();
  const causing = validSpanContext(cause);
  if (causing === undefined) return send(headers);
  if (!isSampled(causing)) return send(namesTrace ? headers : withTrace(headers, cause));
  const span = start(describe(), cause);
  const sending = trace.setSpan(cause, span);
  return context.with(sending, () => settle(span, () => send(withTrace(headers, sending))));
}

function withTrace(headers: TraceHeaders, of: Context): TraceHeaders {
  const carrier = { ...headers };
  propagation.inject(of, carrier);
  return carrier;
}

/** Runs `work` outside of every trace: a loop that serves many must not belong to the one that woke it. */
export const outsideTraces = <Result>(work: () => Result): Result =>
  tracer === undefined ? work() : context.with(ROOT_CONTEXT, work);

const sharedKey = createContextKey('millrace.shared-work');

/**
 * Runs `work` for several traces at once. It belongs to the first of the spans; a statement in it is linked to the others,
 * and they to it.
 */
export function inSharedSpans<Result>(spans: readonly (Span | undefined)[], work: () => Result): Result {
  if (tracer === undefined) return work();
  const [first, ...others] = spans.filter((span) => span !== undefined);
  if (first === undefined) return context.with(ROOT_CONTEXT, work);
  return context.with(trace.setSpan(ROOT_CONTEXT, first).setValue(sharedKey, others), work);
}

/** As `inSpan`, for a statement that may serve several traces. */
export function inStatementSpan<Result>(describe: () => SpanDescription, work: () => Promise<Result>): Promise<Result> {
  return inSpan(describe, (span) => {
    if (span !== undefined) linkSharedWork(span);
    return work();
  });
}

function linkSharedWork(span: Span): void {
  const others = context.active().getValue(sharedKey) as readonly Span[] | undefined;
  for (const other of others ?? []) {
    span.addLink(linkTo(other.spanContext(), linkReasons.sharedStatement));
    other.addLink(linkTo(span.spanContext(), linkReasons.sharedStatement));
  }
}

const continuesKey = createContextKey('millrace.continues-recorded-trace');

/** Whether a new trace goes on with one that was recorded, and so is recorded whatever the sampler says. */
export const continuesRecordedTrace = (of: Context): boolean => of.getValue(continuesKey) === true;

function startAnew(description: SpanDescription, link: Link): Span {
  return start(
    { ...description, links: [link, ...(description.links ?? [])] },
    ROOT_CONTEXT.setValue(continuesKey, true),
  );
}

function start({ name, kind, attributes, links, spanId }: SpanDescription, parent: Context, at = spanTime()): Span {
  if (tracer === undefined) throw new Error('Tracing is off.');
  const on = tracer;
  const options = { kind: kinds[kind], attributes, startTime: at, ...(links !== undefined && { links: [...links] }) };
  return withSpanId(spanId, () => on.startSpan(name, options, parent));
}

function runIn<Result>(span: Span, parent: Context, work: (span: Span) => Promise<Result>): Promise<Result> {
  return context.with(trace.setSpan(parent, span), () => settle(span, work));
}

async function settle<Result>(span: Span, work: (span: Span) => Promise<Result>): Promise<Result> {
  try {
    return await work(span);
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end(spanTime());
  }
}
