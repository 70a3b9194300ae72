import { MillraceError, type JsonObject } from '@millrace/kernel';
import type { CompiledSubgraph } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import { checkAgainst } from './check-input.js';
import type { Frame, RunningRun } from './state.js';
import { resolveIn } from './variables.js';

/**
 * What a subgraph is given, with the defaults of its own description filled in. No event holds it, for it follows from what came
 * before: the nodes that it reads have ended. `frame` is the one around the subgraph.
 * @throws MillraceError `invalid_input`, or of an expression
 */
export function inputOfSubgraph(
  state: Pick<RunningRun, 'nodes' | 'frames' | 'input' | 'runId' | 'calls'>,
  frame: Frame,
  subgraph: CompiledSubgraph,
  meter: Meter = new Meter(),
): JsonObject {
  const given = resolveIn(state, frame, subgraph.with, meter) as JsonObject;
  const checked = checkAgainst(subgraph.input, given);
  if ('input' in checked) return checked.input;
  const { violations } = checked;
  const reasons = violations.map(({ pointer, message }) => `${pointer || '/'}: ${message}`).join('; ');
  throw new MillraceError('invalid', 'invalid_input', `The input does not fit the graph. ${reasons}`, { violations });
}
