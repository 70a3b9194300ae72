import { systemClock, type Clock } from '@millrace/kernel';
import type { MessageBus } from '../bus.js';
import type { BlobStore } from '../claim-check/blob-store.js';
import { TransportBus } from '../message-bus.js';
import { countingProblems } from '../metering.js';
import type { ReportProblem } from '../problem.js';
import { topologyWith, type StreamLimitOverrides } from '../topology.js';
import { InProcessTransport } from './in-process-transport.js';

export interface InProcessBusOptions {
  /** Decides ages and duplicate windows; delays and ack waits run in real time. */
  readonly clock?: Clock;
  /** Where payloads over the claim-check size wait; without it they stay in memory. */
  readonly blobs?: BlobStore;
  readonly limits?: StreamLimitOverrides;
  readonly onProblem?: ReportProblem;
}

/**
 * The bus of the one-process mode, shared by all services in the process. It holds what it stores in memory: what a
 * crash takes with it must follow from the services' databases.
 */
export function createInProcessBus(options: InProcessBusOptions = {}): MessageBus {
  const { clock = systemClock, blobs, limits, onProblem = () => undefined } = options;
  const report = countingProblems(onProblem);
  const transport = new InProcessTransport(topologyWith(limits), clock, report);
  return new TransportBus({ transport, blobs, report, publishTimeoutMs: 0 });
}
