/** The OpenTelemetry SDK, put together. Loaded only while tracing is on. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, diag, DiagLogLevel, propagation, trace, type DiagLogger } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { parseKeyPairsIntoRecord, setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  SamplingDecision,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { httpAttributes, serviceAttributes } from '../names.js';
import { redactText } from '../redaction.js';
import { idGenerator } from './span-ids.js';
import { continuesRecordedTrace, recordedSpan, useTracer } from './spans.js';
import type { Tracing, TracingOptions } from './start-tracing.js';
import type { TracingConfiguration } from './tracing-configuration.js';

/** Problems of sending are told at most this often. */
const problemIntervalMs = 60_000;

export function startSdk(configuration: TracingConfiguration, options: TracingOptions): Tracing {
  reportProblems(options.onProblem);
  const provider = new TracerProvider({
    resource: resourceOf(configuration, options.service),
    sampler: continuing(samplerOf(configuration)),
    spanProcessors: [processorOf(configuration)],
    spanLimits: { attributeValueLengthLimit: configuration.attributeValueLengthLimit },
    idGenerator,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  useTracer(provider.getTracer('millrace'));
  const fetches = traceFetches(provider);
  return {
    async shutdown({ timeoutMs }) {
      useTracer(undefined);
      fetches.disable();
      await Promise.race([
        provider.shutdown().catch((error: unknown) => options.onProblem('The last spans could not be sent.', error)),
        sleep(timeoutMs, undefined, { ref: false }),
      ]);
      for (const each of [trace, context, propagation, diag]) each.disable();
    },
  };
}

function resourceOf({ serviceName, resourceAttributes }: TracingConfiguration, service: string): Resource {
  const replica = `${hostname()}-${process.pid}`;
  return defaultResource().merge(
    resourceFromAttributes({
      [serviceAttributes.name]: service,
      [serviceAttributes.instanceId]: replica,
      [serviceAttributes.hostName]: hostname(),
      [serviceAttributes.processId]: process.pid,
      ...parseKeyPairsIntoRecord(resourceAttributes),
      ...(serviceName !== undefined && { [serviceAttributes.name]: serviceName }),
    }),
  );
}

function processorOf({ exporter, url, protocol, batch }: TracingConfiguration): SpanProcessor {
  if (exporter === 'console') return new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() });
  const Exporter = protocol === 'http/json' ? JsonTraceExporter : ProtobufTraceExporter;
  return new BatchSpanProcessor({ exporter: new Exporter({ url }), ...batch });
}

function samplerOf({ sampler, ratio }: TracingConfiguration): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio);
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

/** A trace that goes on with a recorded one is recorded too, or the link to it would lead nowhere. */
function continuing(sampler: Sampler): Sampler {
  return {
    shouldSample: (of, ...details) =>
      continuesRecordedTrace(of)
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : sampler.shouldSample(of, ...details),
    toString: () => sampler.toString(),
  };
}

/** Spans for what `fetch` sends while something is recorded. Of addresses the query stays out: keys travel in it. */
function traceFetches(provider: TracerProvider): UndiciInstrumentation {
  const fetches = new UndiciInstrumentation({
    ignoreRequestHook: () => recordedSpan() === undefined,
    startSpanHook: ({ origin, path }) => {
      const [plain = ''] = path.split('?');
      const shown = redactText(plain);
      return { [httpAttributes.url]: `${origin}${shown}`, [httpAttributes.path]: shown, [httpAttributes.query]: '' };
    },
  });
  fetches.setTracerProvider(provider);
  return fetches;
}

function reportProblems(report: TracingOptions['onProblem']): void {
  let toldAt = -Infinity;
  const tell = (message: string, error?: unknown): void => {
    if (performance.now() - toldAt < problemIntervalMs) return;
    toldAt = performance.now();
    report(message, error);
  };
  const ignore = (): void => undefined;
  const logger: DiagLogger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  setGlobalErrorHandler((error) => tell('Spans could not be sent.', error));
}
