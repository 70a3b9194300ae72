/**
 * The metrics of this process as Prometheus reads them. There is one registry per process, as there is one `/metrics`; an
 * instrument shows once something has used it, so that a service shows nothing of what it does not do.
 */
import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';

const registry = new Registry();
const preparations = new Set<() => Promise<void> | undefined>();
let hasProcessMetrics = false;

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** An instrument as the registry asks for it, once per scrape. */
export interface ExposedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: () => Sample[];
}

/** Shows an instrument from now on. */
export function expose({ name, help, type, samples }: ExposedMetric): void {
  const metric = { name, help, type, aggregator: 'sum', get: () => ({ name, help, type, values: samples() }) };
  // The registry asks its metrics for nothing but these; the types know only the classes of the library itself.
  registry.registerMetric(metric as unknown as Metric);
}

/** Runs `prepare` before each scrape is answered, until the function that is returned is called. It must not fail. */
export function beforeScrapes(prepare: () => Promise<void> | undefined): () => void {
  preparations.add(prepare);
  return () => void preparations.delete(prepare);
}

/** CPU, memory, garbage collection and the delay of the event loop, from now on. Safe to be called again. */
export function collectProcessMetrics(): void {
  if (hasProcessMetrics) return;
  hasProcessMetrics = true;
  collectDefaultMetrics({ register: registry });
}

export const metricsContentType: string = registry.contentType;

/** Everything that this process measures, in the text format. Waits for samples that are due, each for its own time at most. */
export async function renderMetrics(): Promise<string> {
  await Promise.all([...preparations].map(async (prepare) => prepare()));
  return registry.metrics();
}
