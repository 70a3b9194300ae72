/** Loops: one round after the other, until `until` is true or `maxRounds` have run. */
import { MillraceError, type JsonValue } from '@millrace/kernel';
import type { CompiledLoop } from '../compile/compiled-graph.js';
import { record, running, type Decision } from './decision.js';
import { completeNode, failNode } from './end.js';
import { errorOf, wrongType } from './failure.js';
import { frameAt } from './location.js';
import type { Frame, LoopProgress, RunningRun } from './state.js';
import { resolveIn } from './variables.js';

export function beginRound(decision: Decision, path: string, loop: CompiledLoop, round: number): void {
  record(decision, { type: 'LoopRoundStarted', at: decision.now, data: { node: path, round } });
  const framePath = `${path}[${round}]`;
  const state = running(decision);
  if (!state || !frameAt(state, framePath)) return;
  for (const node of loop.body.roots) decision.agenda.push({ action: 'begin', path: `${framePath}.${node.id}` });
}

/** Ends a round of which every node has ended: the loop ends with it, or the next round begins. */
export function finishRound(
  decision: Decision,
  state: RunningRun,
  path: string,
  loop: CompiledLoop,
  frame: Frame,
): void {
  const round = frame.owner?.index ?? 0;
  if (progressOf(state, path)?.round !== round) return;
  let result: RoundResult;
  try {
    result = evaluateRound(decision, state, loop, frame);
  } catch (error) {
    failNode(decision, path, errorOf(error));
    return;
  }
  record(decision, { type: 'LoopRoundCompleted', at: decision.now, data: { node: path, round, ...result } });
  if (result.until) {
    completeNode(decision, path, result.output);
  } else if (round + 1 < loop.maxRounds) {
    beginRound(decision, path, loop, round + 1);
  } else {
    const after = running(decision);
    const best = after && progressOf(after, path)?.best;
    exhaust(decision, path, loop, best ? best.output : result.output);
  }
}

/** The rounds are used up and `until` was never true. */
function exhaust(decision: Decision, path: string, loop: CompiledLoop, kept: JsonValue): void {
  if (loop.onExhausted === 'continue') {
    completeNode(decision, path, kept);
    return;
  }
  const message = `After ${loop.maxRounds} rounds \`until\` was still not true.`;
  const error = new MillraceError('conflict', 'loop_exhausted', message, { retryable: false }).toShape();
  failNode(decision, path, error, { goto: loop.exhaustedTarget, output: kept });
}

interface RoundResult {
  readonly output: JsonValue;
  readonly until: boolean;
  readonly score?: number;
}

function evaluateRound({ meter }: Decision, state: RunningRun, loop: CompiledLoop, frame: Frame): RoundResult {
  const output = resolveIn(state, frame, loop.output, meter);
  const until = resolveIn(state, frame, loop.until, meter);
  if (typeof until !== 'boolean') throw wrongType('until_not_a_boolean', 'A loop ends by true or false in `until`.');
  if (loop.best === null) return { output, until };
  const score = resolveIn(state, frame, loop.best, meter);
  if (typeof score !== 'number')
    throw wrongType('score_not_a_number', 'A loop keeps the best round by a number in `keep.best`.');
  return { output, until, score };
}

function progressOf(state: RunningRun, path: string): LoopProgress | null {
  const node = state.nodes.get(path);
  return node?.status === 'running' && node.progress?.kind === 'loop' ? node.progress : null;
}
