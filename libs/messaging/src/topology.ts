/**
 * Every stream of Millrace, in one place. Any service declares all of them at its start; declaring again changes nothing.
 *
 * All limits are bounds, and a full stream refuses what is new (`overloaded`) instead of dropping what it holds.
 * Nothing here needs more than nats-server 2.9.
 */
import { invalidInput } from '@millrace/kernel';
import { matchesSubject } from './subject.js';

export type StreamName = 'TASKS' | 'EVENTS' | 'LIVE' | 'DEAD_LETTERS';

interface StreamLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export interface StreamDefinition extends StreamLimits {
  readonly name: StreamName;
  /** The one pattern whose subjects it stores. */
  readonly subjects: string;
  /** `work-queue`: a message goes when it is acked, and one subject has one consumer. `limits`: it goes when it is old. */
  readonly retention: 'work-queue' | 'limits';
  readonly storage: 'file' | 'memory';
  /** Milliseconds; 0 keeps a message until it is acked. */
  readonly maxAgeMs: number;
  /** How long the same message id is recognised, in milliseconds. */
  readonly duplicateWindowMs: number;
}

const mebibyte = 1024 * 1024;
const minute = 60_000;
const day = 24 * 60 * minute;

export const topology: readonly StreamDefinition[] = [
  {
    name: 'TASKS',
    subjects: 'task.>',
    retention: 'work-queue',
    storage: 'file',
    maxAgeMs: 0,
    maxMessages: 1_000_000,
    maxBytes: 1024 * mebibyte,
    duplicateWindowMs: 5 * minute,
  },
  {
    name: 'EVENTS',
    subjects: 'evt.>',
    retention: 'limits',
    storage: 'file',
    maxAgeMs: 3 * day,
    maxMessages: 5_000_000,
    maxBytes: 1024 * mebibyte,
    duplicateWindowMs: 5 * minute,
  },
  {
    name: 'LIVE',
    subjects: 'live.*.tokens',
    retention: 'limits',
    storage: 'memory',
    maxAgeMs: 10 * minute,
    maxMessages: 500_000,
    maxBytes: 128 * mebibyte,
    duplicateWindowMs: minute,
  },
  {
    name: 'DEAD_LETTERS',
    subjects: 'dlq.>',
    retention: 'limits',
    storage: 'file',
    maxAgeMs: 14 * day,
    maxMessages: 200_000,
    maxBytes: 512 * mebibyte,
    duplicateWindowMs: 5 * minute,
  },
];

/** The largest stored message in bytes: the claim-check size plus room for headers. */
export const maximumStoredBytes = 512 * 1024;

/** Where large payloads wait: longer than any message that may refer to them. */
export const blobStorage = { bucket: 'payloads', maxAgeMs: 30 * day, maxBytes: 4096 * mebibyte } as const;

/** Smaller or larger bounds for some streams; the shape of a stream is not up for configuration. */
export type StreamLimitOverrides = Readonly<Partial<Record<StreamName, Partial<StreamLimits>>>>;

export function topologyWith(limits: StreamLimitOverrides = {}): readonly StreamDefinition[] {
  return topology.map((stream) => ({ ...stream, ...limits[stream.name] }));
}

/** The stream that stores a subject, or every subject of a pattern; undefined when none does. */
export function streamOf(subject: string): StreamDefinition | undefined {
  return topology.find((stream) => matchesSubject(stream.subjects, subject));
}

/** @throws MillraceError `not_a_stored_subject` */
export function requireStream(subject: string): StreamDefinition {
  const stream = streamOf(subject);
  if (stream !== undefined) return stream;
  const stored = topology.map((each) => each.subjects).join(', ');
  throw invalidInput('not_a_stored_subject', `No stream stores "${subject.slice(0, 200)}"; stored are ${stored}.`);
}
