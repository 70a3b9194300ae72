export { describeError, type LoggedError } from './error-shape.js';
export { currentLogContext, withLogContext, type LogContext } from './log-context.js';
export { parseLogLevels, type LogLevel, type LogLevels } from './log-levels.js';
export { openLogFile, type LogFile, type LogFileOptions } from './log-file.js';
export { createLogger, type LogDestination, type Logger, type LoggerOptions } from './logger.js';
export { isSecretName, redactJson, redactText } from './redaction.js';
export * from './names.js';
export { collectProcessMetrics, metricsContentType, renderMetrics } from './metrics/exposition.js';
export {
  describedMetrics,
  exposedLabel,
  type CounterCell,
  type DescribedMetric,
  type GaugeCell,
  type HistogramCell,
} from './metrics/instruments.js';
export { sampleAtScrapes, type Sampled, type SampledSource } from './metrics/sampling.js';
export * from './metrics/catalogue/http.js';
export * from './metrics/catalogue/messaging.js';
export * from './metrics/catalogue/database.js';
export * from './metrics/catalogue/tasks.js';
export * from './metrics/catalogue/engine.js';
export * from './metrics/catalogue/models.js';
export * from './metrics/catalogue/service.js';
export * from './metrics/catalogue/webhooks.js';
export { derivedSpanId } from './tracing/span-ids.js';
export {
  activeTraceparent,
  endSpan,
  failSpan,
  inArrivedSpan,
  inSendingSpan,
  inSharedSpans,
  inSpan,
  inStatementSpan,
  isTracing,
  linkTo,
  outsideTraces,
  recordedSpan,
  recordStatementSpan,
  spanContextOf,
  startArrivedSpan,
  startSpan,
  traceparentOf,
  type Span,
  type SpanContext,
  type SpanDescription,
  type StartedSpan,
  type TraceHeaders,
} from './tracing/spans.js';
export { startTracing, type Tracing, type TracingOptions } from './tracing/start-tracing.js';
