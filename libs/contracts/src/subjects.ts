/**
 * Every subject that Millrace uses, in one place. Kinds: `cmd` (request and reply), `task` (work queue), `result`
 * (request and reply, addressed to the owner of a partition), `evt` (CloudEvents, tenant second), `live` (tokens and
 * hints of one run), `dlq` (what could not be processed, with its reason).
 */
import { hash } from 'node:crypto';
import type { EventContract } from './contract.js';

/** Runs are spread over this many partitions. Fixed for the life of an installation: it decides who owns a run. */
export const partitionCount = 16;

/** The partition that owns a run: a hash of its id, 0 to `partitionCount - 1`. */
export function partitionOf(runId: string): number {
  return hash('sha256', runId, 'buffer').readUInt32BE(0) % partitionCount;
}

/** Where workers send results of the runs of a partition, as requests. */
export const resultSubject = (partition: number): string => `result.${partition}.v1`;

/** Where workers send results of several tasks in one request, to the replica of the orchestrator that published them. */
export const resultsTogetherSubject = (replica: string): string => `result.${replica}.v1`;

/** Where a replica that does not own a run's partition hands a message for it to the one that does. */
export const mailboxSubject = (partition: number): string => `cmd.orchestrator.partition-${partition}.deliver.v1`;

/** Where an event is published, e.g. `evt.acme.run.completed.v1`. */
export const eventSubject = (contract: EventContract, tenantId: string): string =>
  `evt.${tenantId}.${contract.entity}.${contract.action}.v${contract.version}`;

/** A run's new events, published as a hint after their commit. Core NATS, never stored: readers fill gaps from the store. */
export const liveEventsSubject = (runId: string): string => `live.${runId}.events`;

/** Where the owner of a partition hears which of its runs are followed now. Core NATS, never stored. */
export const liveFollowedSubject = (partition: number): string => `live.partition-${partition}.followed`;

/** Where the owner of a partition hears that workers make progress with its tasks. Core NATS, never stored. */
export const liveBeatsSubject = (partition: number): string => `live.partition-${partition}.beats`;

/** A run's end, published as a hint after its commit. Core NATS, never stored: who waits looks into the store now and then. */
export const liveEndSubject = (runId: string): string => `live.${runId}.ended`;

/** A run's tokens: short-lived, in memory, with sequence numbers for an exact resume. */
export const liveTokensSubject = (runId: string): string => `live.${runId}.tokens`;

/** Where a process hears the texts of its calls of models while they are written. Core NATS, never stored: replies have all of it. */
export const livePiecesSubject = (listenerId: string): string => `live.${listenerId}.pieces`;

/** Where it is said that nobody waits for a call any more. Core NATS, never stored. */
export const liveStopSubject = (callId: string): string => `live.${callId}.stop`;

/** Where a message that cannot be processed goes, with its reason in the headers. */
export const deadLetterSubject = (subject: string): string => `dlq.${subject}`;

/** Tokens of subjects and names: lower-case letters, digits, dashes and underscores, so that no wildcard can slip in. */
export const tokenPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;
