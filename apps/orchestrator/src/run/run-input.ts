/** The messages for a run as the service has them, and as the engine takes them. */
import type { ApprovalDecision, Decider, GraphIdentity, Run, RunPriority, TaskOutcome } from '@millrace/contracts';
import { assertNever, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { Fork, GraphComparison, RunMessage, Timer } from '@millrace/workflow';
import type { HotRun, ResolvedGraph } from './hot-run.js';

/** A message for a run, before it is known when and on which state it will be decided. */
export type RunWork =
  | RunInput
  /** Fails the run where `inPlaceOf` would change it: what follows from that message cannot be stored. */
  | { readonly type: 'failure'; readonly error: NonNullable<Run['error']>; readonly inPlaceOf: RunInput };

/** What the engine decides on. */
export type RunInput =
  | {
      readonly type: 'start';
      readonly graph: ResolvedGraph;
      readonly input: JsonObject;
      readonly correlationId: string;
      readonly traceparent?: string | undefined;
      readonly priority?: RunPriority | undefined;
      readonly fork?: Fork | undefined;
      /** The thread that it belongs to. */
      readonly thread?: string | undefined;
    }
  | {
      readonly type: 'task-result';
      readonly node: string;
      readonly attempt: number;
      readonly outcome: TaskOutcome;
      readonly worker?: string | undefined;
    }
  | { readonly type: 'event'; readonly node: string; readonly attempt: number; readonly event: JsonObject }
  | { readonly type: 'task-idle'; readonly node: string; readonly attempt: number }
  | {
      readonly type: 'task-begin';
      readonly node: string;
      readonly attempt: number;
      readonly claim: string;
      readonly worker?: string | undefined;
    }
  | { readonly type: 'slots-granted'; readonly node: string; readonly attempt: number }
  | {
      readonly type: 'thread-entered';
      readonly generation: number;
      readonly version: number;
      readonly state: JsonObject;
    }
  | { readonly type: 'timer'; readonly timer: Timer }
  | { readonly type: 'signal'; readonly id: string; readonly name: string; readonly data: JsonValue }
  | {
      readonly type: 'decision';
      readonly node: string;
      readonly attempt: number;
      readonly decision: ApprovalDecision;
      readonly data: JsonObject;
      readonly by: Decider;
    }
  | { readonly type: 'pause'; readonly reason: string }
  | { readonly type: 'resume' }
  | { readonly type: 'retry'; readonly id: string; readonly from: string | undefined }
  | {
      readonly type: 'migrate';
      readonly from: GraphIdentity;
      readonly graph: ResolvedGraph;
      readonly comparison: GraphComparison;
    }
  | { readonly type: 'cancel'; readonly reason: string };

/** Gives a message its time, and what is left to chance. */
export function messageOf(
  run: HotRun,
  work: RunInput,
  { now, random }: { readonly now: string; readonly random: () => number },
): RunMessage {
  switch (work.type) {
    case 'start':
      return {
        type: 'start',
        runId: run.key.runId,
        graph: work.graph.identity,
        input: work.input,
        correlationId: work.correlationId,
        ...(work.traceparent !== undefined && { traceparent: work.traceparent }),
        ...(work.fork !== undefined && { fork: work.fork }),
        priority: run.origin.priority,
        ...(work.thread !== undefined && { thread: work.thread }),
        now,
      };
    case 'task-result':
      return {
        type: 'task-result',
        node: work.node,
        attempt: work.attempt,
        outcome: work.outcome,
        worker: work.worker,
        now,
        random: random(),
      };
    case 'event':
    case 'thread-entered':
      return { ...work, now };
    case 'task-idle':
      return { type: 'task-idle', node: work.node, attempt: work.attempt, now, random: random() };
    case 'slots-granted':
      return { type: 'slots-granted', node: work.node, attempt: work.attempt, now };
    case 'task-begin':
      return {
        type: 'task-begin',
        node: work.node,
        attempt: work.attempt,
        claim: work.claim,
        worker: work.worker,
        now,
      };
    case 'timer': {
      const { timer, node, attempt } = work.timer;
      return { type: 'timer', timer, node, attempt, now, random: random() };
    }
    case 'signal':
      return { type: 'signal', id: work.id, name: work.name, data: work.data, now };
    case 'decision':
      return { ...work, now };
    case 'pause':
      return { type: 'pause', reason: work.reason, now };
    case 'resume':
      return { type: 'resume', now };
    case 'retry':
      return { type: 'retry', id: work.id, from: work.from, now };
    case 'migrate': {
      const { from, graph, comparison } = work;
      return { type: 'migrate', migration: { from, to: graph.identity, compiled: graph.compiled, comparison }, now };
    }
    case 'cancel':
      return { type: 'cancel', reason: work.reason, now };
    default:
      return assertNever(work);
  }
}
