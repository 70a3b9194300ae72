import { readTracingConfiguration, type TracingEnvironment } from './tracing-configuration.js';

export interface TracingOptions {
  /** As traces call it, unless the environment says otherwise: `millrace-gateway`. */
  readonly service: string;
  readonly environment: TracingEnvironment;
  /** Hears of traces that could not be sent, seldom however many there are. */
  readonly onProblem: (message: string, error?: unknown) => void;
}

export interface Tracing {
  /** Sends what is left, for at most `timeoutMs`, and ends tracing. Never rejects. */
  shutdown(options: { readonly timeoutMs: number }): Promise<void>;
}

const off: Tracing = { shutdown: () => Promise.resolve() };

/**
 * Turns on tracing where the environment asks for it (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_EXPORTER`). The SDK is
 * loaded only then. A collector that cannot be reached costs spans, and nothing else.
 * @throws MillraceError `invalid_configuration` that names the variable
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const configuration = readTracingConfiguration(options.environment);
  if (configuration === null) return off;
  const { startSdk } = await import('./sdk.js');
  return startSdk(configuration, options);
}
