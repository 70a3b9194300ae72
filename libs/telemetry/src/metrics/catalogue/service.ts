import { metricName } from '../../names.js';
import { counter, gauge } from '../instruments.js';
import { oneOf, upTo } from '../label-values.js';
import { serviceNames } from './sets.js';

const everyService = 'every service';

export const overloadRefusals = counter({
  name: metricName.overloadRefusals,
  unit: '{refusal}',
  description: 'What was turned away at once because a bounded queue was full',
  labels: {
    'millrace.queue': oneOf(
      'http',
      'http-streams',
      'responder',
      'bus',
      'engine',
      'thread',
      'database',
      'model-provider',
    ),
  },
  from: everyService,
});

export const idempotencyClaims = counter({
  name: metricName.idempotencyClaims,
  unit: '{request}',
  description: 'Requests with an Idempotency-Key, by what their key allowed; `mismatch` is 422, `in-flight` 409',
  labels: { 'millrace.claim': oneOf('fresh', 'take-over', 'replay', 'in-flight', 'mismatch') },
  from: 'gateway',
});

const circuits = upTo(20, 'the circuits in the code');

export const circuitState = gauge(
  {
    name: metricName.circuitState,
    unit: '1',
    description: 'The state of a circuit breaker: 1 for the state that it is in, 0 for the others',
    labels: { 'millrace.circuit': circuits, 'millrace.state': oneOf('closed', 'half-open', 'open') },
    from: 'llm-provider',
  },
  'max',
);

export const bulkheadCalls = gauge({
  name: metricName.bulkheadCalls,
  unit: '{call}',
  description: 'Calls in a bulkhead now: in its slots, or waiting for one',
  labels: { 'millrace.bulkhead': circuits, 'millrace.state': oneOf('active', 'waiting') },
  from: 'llm-provider',
});

export const callRetries = counter({
  name: metricName.callRetries,
  unit: '{retry}',
  description: 'Calls that failed and were made again at once',
  labels: { 'millrace.call': circuits },
  from: 'llm-provider',
});

export const cacheRequests = counter({
  name: metricName.cacheRequests,
  unit: '{request}',
  description: 'What was looked up in a cache, and whether it was there',
  labels: {
    'millrace.cache': oneOf('api-keys', 'hot-runs', 'graphs', 'completions', 'model-answers'),
    'millrace.result': oneOf('hit', 'miss'),
  },
  from: 'gateway, orchestrator, llm-provider',
});

export const serviceReady = gauge({
  name: metricName.serviceReady,
  unit: '1',
  description: 'Whether a service can do its work (1) or not (0), as /readyz says',
  labels: { 'millrace.service': serviceNames },
  from: everyService,
});

export const serviceInformation = gauge({
  name: metricName.serviceInformation,
  unit: '1',
  description: 'Always 1; says which service this is and what runs it',
  labels: {
    'millrace.service': serviceNames,
    'service.version': upTo(3, 'the version of this build'),
    'process.runtime.version': upTo(3, 'the version of Node.js'),
  },
  from: everyService,
});

export const logLines = counter({
  name: metricName.logLines,
  unit: '{line}',
  description: 'Lines that were logged',
  labels: { 'millrace.level': oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal') },
  from: everyService,
});

export const collectionFailures = counter({
  name: metricName.collectionFailures,
  unit: '{failure}',
  description: 'Readings of metrics that could not be taken; what they would have said is not shown',
  labels: { 'millrace.source': oneOf('runs', 'streams', 'outbox', 'readiness') },
  from: everyService,
});
