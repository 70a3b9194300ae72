/** What can happen to a run from outside. Time and chance arrive here, so that the engine has neither. */
import type { ApprovalDecision, Decider, GraphIdentity, RunPriority, TaskOutcome } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { Fork } from './fork.js';
import type { Migration } from './migrate-run.js';

/** `now` is an ISO 8601 time in UTC; `random` is in [0, 1) and spreads retries. */
export type RunMessage =
  | {
      readonly type: 'start';
      readonly runId: string;
      readonly graph: GraphIdentity;
      readonly input: JsonObject;
      readonly correlationId: string;
      readonly traceparent?: string | undefined;
      /** In place of that of the graph. */
      readonly priority?: RunPriority | undefined;
      /** What it takes from another run. */
      readonly fork?: Fork | undefined;
      /** The thread that it belongs to. */
      readonly thread?: string | undefined;
      readonly now: string;
    }
  | {
      readonly type: 'task-result';
      readonly node: string;
      readonly attempt: number;
      readonly outcome: TaskOutcome;
      /** The program of the tenant that sent it; undefined for a service. Only tasks of that program are its to answer. */
      readonly worker?: string | undefined;
      readonly now: string;
      readonly random: number;
    }
  /** The worker of an attempt has shown no progress for as long as its node allows. */
  | {
      readonly type: 'task-idle';
      readonly node: string;
      readonly attempt: number;
      readonly now: string;
      readonly random: number;
    }
  /** The keys that a node waits for have room for it. */
  | { readonly type: 'slots-granted'; readonly node: string; readonly attempt: number; readonly now: string }
  /** It is the run's turn in its thread, of which this is the state. */
  | {
      readonly type: 'thread-entered';
      /** How often the run had been retried when it came to the thread. */
      readonly generation: number;
      readonly version: number;
      readonly state: JsonObject;
      readonly now: string;
    }
  /** A worker asks whether it may begin with an attempt that must not be done twice. */
  | {
      readonly type: 'task-begin';
      readonly node: string;
      readonly attempt: number;
      readonly claim: string;
      readonly worker?: string | undefined;
      readonly now: string;
    }
  | {
      readonly type: 'timer';
      readonly timer: TimerKind;
      readonly node: string;
      readonly attempt: number;
      readonly now: string;
      readonly random: number;
    }
  | {
      readonly type: 'signal';
      readonly id: string;
      readonly name: string;
      readonly data: JsonValue;
      readonly now: string;
    }
  | {
      /** For a node that waits for an event of its subject. */
      readonly type: 'event';
      readonly node: string;
      readonly attempt: number;
      readonly event: JsonObject;
      readonly now: string;
    }
  | {
      readonly type: 'decision';
      readonly node: string;
      readonly attempt: number;
      readonly decision: ApprovalDecision;
      readonly data: JsonObject;
      readonly by: Decider;
      readonly now: string;
    }
  | { readonly type: 'pause'; readonly reason: string; readonly now: string }
  | { readonly type: 'resume'; readonly now: string }
  | {
      readonly type: 'retry';
      /** The same id again is the same retry. */
      readonly id: string;
      /** A node of the graph itself; undefined for whatever did not end well. */
      readonly from: string | undefined;
      readonly now: string;
    }
  | { readonly type: 'migrate'; readonly migration: Migration; readonly now: string }
  | { readonly type: 'cancel'; readonly reason: string; readonly now: string };

/**
 * `retry`: the next attempt is due. `timeout`: the node's time is up. `wait`: the moment has come that the node waits for.
 * `run-timeout`: the run's time is up; its node is '', and its attempt says how often the run had been retried.
 */
export type TimerKind = 'retry' | 'timeout' | 'wait' | 'run-timeout';
