/** What every service says of itself: which one it is, and whether it can do its work. */
import { collectionFailures, sampleAtScrapes, serviceInformation, serviceReady } from '@millrace/telemetry';
import type { HealthCheck } from '../service-definition.js';
import { buildVersion } from './build-version.js';

const sampleEveryMs = 5_000;
const sampleTimeoutMs = 2_000;

/** Shows a service in the metrics until the function that is returned is called. */
export function measureService(name: string, health: HealthCheck): () => void {
  const labels = { 'millrace.service': name };
  const { version: runtime } = process;
  serviceInformation.at({ ...labels, 'service.version': buildVersion, 'process.runtime.version': runtime }).set(1);
  const failures = collectionFailures.at({ 'millrace.source': 'readiness' });
  const readiness = sampleAtScrapes({
    everyMs: sampleEveryMs,
    timeoutMs: sampleTimeoutMs,
    take: () => health.check(),
    onFailure: () => failures.add(1),
  });
  const stopReading = serviceReady.observe(() => [{ labels, value: readiness.latest()?.ready === true ? 1 : 0 }]);
  return () => {
    readiness.stop();
    stopReading();
  };
}
