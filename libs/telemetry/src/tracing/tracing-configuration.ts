/** The `OTEL_…` variables of the OpenTelemetry specification that decide about traces. */
import { MillraceError } from '@millrace/kernel';

export type TracingEnvironment = Readonly<Record<string, string | undefined>>;

export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';

export type OtlpProtocol = 'http/protobuf' | 'http/json';

export interface TracingConfiguration {
  readonly exporter: 'otlp' | 'console';
  /** Where traces go, by `otlp`, and how. */
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly sampler: SamplerName;
  /** The share of traces that is recorded, 0 to 1, by the samplers that take one. */
  readonly ratio: number;
  readonly serviceName: string | undefined;
  readonly resourceAttributes: string;
  readonly batch: {
    readonly scheduledDelayMillis: number;
    readonly maxQueueSize: number;
    readonly maxExportBatchSize: number;
    readonly exportTimeoutMillis: number;
  };
  readonly attributeValueLengthLimit: number;
}

const defaultEndpoint = 'http://localhost:4318';
const samplers: readonly SamplerName[] = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];

/**
 * What the environment says of traces, or null where it asks for none: neither an endpoint nor an exporter is named.
 * @throws MillraceError `invalid_configuration` that names the variable
 */
export function readTracingConfiguration(environment: TracingEnvironment): TracingConfiguration | null {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const exporter = exporterOf(value);
  if (exporter === null) return null;
  const batch = {
    scheduledDelayMillis: wholeNumber(value, 'OTEL_BSP_SCHEDULE_DELAY', 1_000),
    maxQueueSize: wholeNumber(value, 'OTEL_BSP_MAX_QUEUE_SIZE', 16_384),
    maxExportBatchSize: wholeNumber(value, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    exportTimeoutMillis: wholeNumber(value, 'OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  };
  return {
    exporter,
    url: urlOf(value),
    protocol: protocolOf(value),
    sampler: samplerOf(value),
    ratio: ratioOf(value),
    serviceName: value('OTEL_SERVICE_NAME'),
    resourceAttributes: value('OTEL_RESOURCE_ATTRIBUTES') ?? '',
    batch,
    attributeValueLengthLimit: wholeNumber(value, 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 8_192),
  };
}

type Value = (name: string) => string | undefined;

function exporterOf(value: Value): 'otlp' | 'console' | null {
  if (value('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const named = value('OTEL_TRACES_EXPORTER');
  const hasEndpoint = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].some(
    (name) => value(name) !== undefined,
  );
  if (named === 'none' || (named === undefined && !hasEndpoint)) return null;
  if (named !== undefined && named !== 'otlp' && named !== 'console') {
    throw wrong('OTEL_TRACES_EXPORTER', `knows otlp, console and none, not "${named}"`);
  }
  return named ?? 'otlp';
}

/** Who configured gRPC would otherwise wait for traces that never come. */
function protocolOf(value: Value): OtlpProtocol {
  const name = value('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL')
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const protocol = value(name) ?? 'http/protobuf';
  if (protocol === 'http/protobuf' || protocol === 'http/json') return protocol;
  throw wrong(name, `must be http/protobuf or http/json, which collectors take on port 4318; not "${protocol}"`);
}

function urlOf(value: Value): string {
  const forTraces = value('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const endpoint = value('OTEL_EXPORTER_OTLP_ENDPOINT') ?? defaultEndpoint;
  const name = forTraces === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const url = forTraces ?? `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return url;
  throw wrong(name, 'must be an http or https address, for example http://127.0.0.1:4318');
}

function samplerOf(value: Value): SamplerName {
  const named = value('OTEL_TRACES_SAMPLER') ?? 'parentbased_traceidratio';
  const sampler = samplers.find((each) => each === named);
  if (sampler === undefined) throw wrong('OTEL_TRACES_SAMPLER', `must be one of ${samplers.join(', ')}`);
  return sampler;
}

function ratioOf(value: Value): number {
  const text = value('OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw wrong('OTEL_TRACES_SAMPLER_ARG', 'must be a number from 0 to 1');
  return ratio;
}

function wholeNumber(value: Value, name: string, fallback: number): number {
  const text = value(name);
  if (text === undefined) return fallback;
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw wrong(name, 'must be a whole number of at least 1');
  return Number(text);
}

function wrong(name: string, message: string): MillraceError {
  return new MillraceError('invalid', 'invalid_configuration', `The configuration is wrong:\n  ${name}: ${message}`, {
    violations: [{ pointer: `/${name}`, message }],
  });
}
