export { bulkhead, type Bulkhead, type BulkheadOptions } from './bulkhead.js';
export { circuitBreaker, type CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.js';
export { deadline } from './deadline.js';
export { delayBefore, retry, type RetryOptions } from './retry.js';
export { fetchWeb, type WebRequest, type WebResponse } from './web/fetch-web.js';
export { unexpectedStatus } from './web/unexpected-status.js';
export { WebGuard, type WebGuardOptions } from './web/web-guard.js';
export { untilAborted } from './until-aborted.js';
export { fairQueue, type FairQueue, type FairQueueOptions } from './fair-queue.js';
