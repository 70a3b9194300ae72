/** Choices: which of the nodes that wait for a branch, or for a failure, run. What was chosen follows from how the chooser ended. */
import type { JsonValue } from '@millrace/kernel';
import type { Chooser, CompiledBranch } from '../compile/compiled-graph.js';
import type { Decision } from './decision.js';
import { wrongType } from './failure.js';
import type { Frame, RunningRun } from './state.js';
import { nodeState, resolveIn } from './variables.js';

/** The output of a branch: the first case that is true, and what it chooses. @throws MillraceError `case_not_a_boolean`, or of an expression */
export function choose({ meter }: Decision, state: RunningRun, frame: Frame, branch: CompiledBranch): JsonValue {
  for (const [index, { when, then }] of branch.cases.entries()) {
    const value = resolveIn(state, frame, when, meter);
    if (typeof value !== 'boolean')
      throw wrongType('case_not_a_boolean', 'A case of a branch must yield true or false in `when`.');
    if (value) return { chosen: [...then], case: index };
  }
  return { chosen: [...branch.default], case: null };
}

/** Whether a node that has ended chooses another one. */
export function chooses(state: RunningRun, frame: Frame, { id, by }: Chooser, target: string): boolean {
  const chooser = nodeState(state, frame, id);
  if (by === 'failure') return chooser?.status === 'failed' && chooser.goto === target;
  return chooser?.status === 'completed' && chosenIn(chooser.output).includes(target);
}

function chosenIn(output: JsonValue): readonly JsonValue[] {
  const chosen = typeof output === 'object' && output !== null && 'chosen' in output ? output['chosen'] : null;
  return Array.isArray(chosen) ? chosen : [];
}
