/** What a trial leaves behind, as it was seen from outside. Moments are milliseconds since the epoch. */
import type { RunStatus } from '@millrace/contracts';
import type { CommittedEffect, EffectAttempt } from '../effects/effect-ledger.js';

/** One answer to one request for a start, or that there was none. */
export interface StartAnswer {
  /** 0 where no answer came: the connection broke, or the time was over. */
  readonly status: number;
  /** The problem's code where it was refused. */
  readonly code: string | null;
  readonly runId: string | null;
  readonly retryAfter: string | null;
}

export interface StartAttempt extends StartAnswer {
  /** Which of the bodies of this start was sent: 0, or 1 for the one that the same key must refuse. */
  readonly body: 0 | 1;
}

/** A start that the client made, with all of its repeats. */
export interface StartRecord {
  readonly graph: string;
  readonly idempotencyKey: string | null;
  readonly attempts: readonly StartAttempt[];
}

export interface ObservedEvent {
  readonly position: number;
  readonly type: string;
  readonly at: string;
  readonly data: unknown;
}

/** A run as the API tells of it in the end. */
export interface ObservedRun {
  readonly id: string;
  /** `unknown` where the API has none of this id. */
  readonly status: RunStatus | 'unknown';
  readonly events: readonly ObservedEvent[];
}

/** What a reader of a stream got, over all of its connections, in the order of its coming. */
export interface StreamRecord {
  readonly runId: string;
  readonly connections: number;
  readonly positions: readonly number[];
  /** Ids of tokens. */
  readonly tokens: readonly string[];
  /** Whether it came to the terminal event. */
  readonly ended: boolean;
}

export interface CancelRecord {
  readonly runId: string;
  /** The run's status in the answer; null where it was refused or lost. */
  readonly answered: RunStatus | null;
}

/** How often the independent subscriber applied an event of a run. */
export interface Application {
  readonly messageId: string;
  readonly runId: string;
  readonly type: string;
  readonly times: number;
}

/** A call that reached the model provider, by the run and node that its prompt names. */
export interface ProviderCall {
  readonly run: string;
  readonly node: string;
  readonly at: number;
}

/** A completion in the ledger of the llm-provider. */
export interface RecordedCompletion {
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly at: number;
}

export interface Interval {
  readonly from: number;
  readonly to: number;
}

export interface ForgedReply {
  readonly runId: string;
  readonly applied: boolean;
}

export interface DrainRecord {
  readonly service: string;
  /** Null where it had to be killed. */
  readonly exitCode: number | null;
  readonly tookMs: number;
  readonly graceMs: number;
}

export interface Evidence {
  readonly starts: readonly StartRecord[];
  /** Every run of the tenant, and every accepted one. */
  readonly runs: readonly ObservedRun[];
  readonly streams: readonly StreamRecord[];
  readonly cancels: readonly CancelRecord[];
  readonly effects: {
    readonly attempts: readonly EffectAttempt[];
    readonly commits: readonly CommittedEffect[];
  };
  readonly applications: readonly Application[];
  readonly providerCalls: readonly ProviderCall[];
  readonly completions: readonly RecordedCompletion[];
  /** When several deliveries of one task may have been at work: a process stood still, tasks came twice; and for a while after. */
  readonly llmOverlaps: readonly Interval[];
  /** What forged results carry; nothing of a run may ever hold it. */
  readonly forgedMarker: string;
  readonly forgedReplies: readonly ForgedReply[];
  readonly drains: readonly DrainRecord[];
  /** Whether the store of the transport was wiped, so that announcements may be lost with it. */
  readonly transportWiped: boolean;
}

export interface Violation {
  /** As ARCHITECTURE.md numbers them; `announcements` for events that subscribers are owed. */
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'announcements';
  readonly subject: string;
  readonly message: string;
}

export const acceptedRunIds = (starts: readonly StartRecord[]): ReadonlySet<string> =>
  new Set(starts.flatMap(({ attempts }) => attempts.flatMap((attempt) => attempt.runId ?? [])));
