/** What can be said of a message and the state that it finds, in words of its own: nothing here asks the engine what it will do. */
import { expect } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import { isWorker, type CompiledGraph, type CompiledNode, type CompiledWorker } from '../compile/compiled-graph.js';
import { locate } from '../engine/location.js';
import type { RunMessage } from '../engine/messages.js';
import type { NodeState, RunningNode, RunningRun, RunState } from '../engine/state.js';

/** A message, tried on the state of a run after some of its events. */
export interface Trial {
  readonly graph: CompiledGraph;
  readonly state: RunState;
  readonly message: RunMessage;
}
export interface Tried extends Trial {
  readonly events: readonly NewRunEvent[];
  /** The state that they lead to. */
  readonly after: () => RunState;
}

export type Of<Type extends RunMessage['type']> = Extract<RunMessage, { type: Type }>;
export const is = <Type extends RunMessage['type']>(message: RunMessage, type: Type): message is Of<Type> =>
  message.type === type;
export const isRunning = (state: RunState): state is RunningRun => state.status === 'running';

/** The node that a message names, in the attempt that it names. */
interface Named {
  readonly path: string;
  readonly node: Extract<NodeState, { attempt: number }>;
  readonly compiled: CompiledNode;
}
export function named({ state, message }: Trial): Named | null {
  if (!isRunning(state) || !('node' in message)) return null;
  const node = state.nodes.get(message.node);
  if (!node || !('attempt' in node) || !('attempt' in message) || node.attempt !== message.attempt) return null;
  const compiled = locate(state, message.node)?.node;
  return compiled ? { path: message.node, node, compiled } : null;
}
const runningNode = (trial: Trial): (Named & { node: RunningNode }) | null => {
  const found = named(trial);
  return found?.node.status === 'running' ? { ...found, node: found.node } : null;
};
export const runningWorker = (trial: Trial): (Named & { node: RunningNode; compiled: CompiledWorker }) | null => {
  const found = runningNode(trial);
  return found && isWorker(found.compiled) ? { ...found, compiled: found.compiled } : null;
};
export const waitsFor = (trial: Trial, kind: 'wait' | 'slots' | 'approval' | 'reconciliation'): boolean =>
  runningNode(trial)?.node.progress?.kind === kind;

/** An attempt that has failed, as its worker says it or by its silence; null where the message does not say that of a running attempt. */
export function failure(trial: Trial) {
  const found = runningWorker(trial);
  const { message } = trial;
  if (!found) return null;
  if (is(message, 'task-idle')) {
    if (found.compiled.idleMs === null) return null;
    return {
      ...found,
      error: { kind: 'timeout', code: 'idle_timeout', retryable: true, retryAfterSeconds: 0 },
      random: message.random,
    };
  }
  if (!is(message, 'task-result') || message.outcome.status !== 'failed' || message.worker !== found.compiled.worker)
    return null;
  return { ...found, error: message.outcome.error, random: message.random };
}
const unknown = new Set(['unavailable', 'timeout', 'cancelled', 'internal']);
/** Whether nobody can say if an effect happened that must not happen twice. */
export const isUncertain = ({ node, compiled }: { node: RunningNode; compiled: CompiledNode }, kind: string): boolean =>
  isWorker(compiled) &&
  compiled.effect !== null &&
  compiled.effect.key === null &&
  node.claim !== undefined &&
  unknown.has(kind);

/** The model of a retry policy. */
export function mayTryAgain(
  { state, message }: Trial,
  { node, compiled, path, error, random }: NonNullable<ReturnType<typeof failure>>,
): boolean {
  const { retry } = compiled;
  const attempt = node.attempt - node.earlierAttempts;
  const isNamed = retry.on === null || retry.on.has(error.code) || retry.on.has(error.kind);
  if (!error.retryable || attempt >= retry.maxAttempts || !isNamed) return false;
  if (isRunning(state) && state.ending !== null && !path.endsWith('~compensate')) return false;
  const backoff = Math.min(retry.maxMs, retry.initialMs * retry.factor ** (attempt - 1)) * random;
  const wait = Math.max(backoff, Math.min(error.retryAfterSeconds ?? 0, 3_600) * 1_000);
  const dueAt = new Date(Date.parse(message.now) + Math.round(wait)).toISOString();
  return node.deadlineAt === undefined || dueAt < node.deadlineAt;
}

export const timerOf = (trial: Trial, timer: Of<'timer'>['timer']): boolean =>
  is(trial.message, 'timer') && trial.message.timer === timer;
const isDue = ({ message }: Trial, { node }: Named): boolean =>
  node.deadlineAt !== undefined && message.now >= node.deadlineAt;
export const ends = (event: NewRunEvent | undefined, path: string): void => {
  expect(['NodeCompleted', 'NodeFailed']).toContain(event?.type);
  expect(event?.data).toMatchObject({ node: path });
};
export const first = ({ events }: Tried): NewRunEvent | undefined => events[0];

/** Whether a message says that the time is up of a node that has a limit. */
export const limitPassed = (trial: Trial): Named | null => {
  const found = timerOf(trial, 'timeout') ? named(trial) : null;
  return found && (found.node.status === 'running' || found.node.status === 'retrying') && isDue(trial, found)
    ? found
    : null;
};
