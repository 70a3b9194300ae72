/** How a node of each kind begins. What the engine does itself ends at once; what a worker does ends with its result. */
import { assertNever, type JsonValue } from '@millrace/kernel';
import { isWorker, kindOf, type CompiledCombine, type CompiledNode } from '../compile/compiled-graph.js';
import { sharesKeys } from '../compile/compile-concurrency.js';
import { limits } from '../limits.js';
import { beginApproval } from './approval.js';
import { choose, chooses } from './branch.js';
import { affords } from './budget.js';
import { cachedWork } from './cached-work.js';
import { record, running, type Decision } from './decision.js';
import { completeNode, failNode, failRun, skipNode } from './end.js';
import { effectKey } from './effect.js';
import { errorOf, wrongType } from './failure.js';
import { locate, type Location } from './location.js';
import { beginRound } from './loop.js';
import { beginMap } from './map.js';
import { requestSlots } from './slots.js';
import type { Frame, RunningRun } from './state.js';
import { beginSubgraph } from './subgraph.js';
import { beginTask } from './task-input.js';
import { nodeState, resolveIn } from './variables.js';
import { beginWait } from './wait.js';

/** Begins a node whose needs have all ended, unless the run is about to end: what began just before it may have failed it. */
export function beginNode(decision: Decision, path: string): void {
  const state = running(decision);
  const location = state && locate(state, path);
  if (!location || state.ending !== null) return;
  if (state.nodes.get(path) !== undefined || !isLive(state, location.frame)) return;
  if (state.steps >= limits.steps) {
    failRun(decision, { code: 'run_too_large', message: `A run has at most ${limits.steps} steps.`, node: path });
    return;
  }
  const { node, frame } = location;
  if (node.needs > 0 && frame.skippedNeeds[node.index] === node.needs) {
    skipNode(decision, path, kindOf(node), 'upstream-skipped');
    return;
  }
  if (node.choosers.length > 0 && !node.choosers.some((chooser) => chooses(state, frame, chooser, node.id))) {
    skipNode(decision, path, kindOf(node), 'not-chosen');
    return;
  }
  try {
    if (node.when === null || isTrue(resolveIn(state, frame, node.when, decision.meter))) {
      if (isWorker(node) && !affords(decision, state, path, node)) return;
      schedule(decision, path, node);
      run(decision, state, location);
    } else {
      skipNode(decision, path, kindOf(node), 'condition');
    }
  } catch (error) {
    schedule(decision, path, node);
    failNode(decision, path, errorOf(error));
  }
}

/** Whether the map or loop around a frame, if there is one, is still running, and the item has not failed. */
function isLive(state: RunningRun, frame: Frame): boolean {
  if (frame.remaining === 0) return false;
  return frame.owner === null || state.nodes.get(frame.owner.path)?.status === 'running';
}

function isTrue(value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType('when_not_a_boolean', 'A condition in `when` must yield true or false.');
}

function schedule(decision: Decision, path: string, node: CompiledNode): void {
  const state = running(decision);
  if (!state || state.nodes.get(path) !== undefined) return;
  const timeoutMs = 'timeoutMs' in node ? node.timeoutMs : null;
  const deadline =
    timeoutMs === null ? {} : { deadlineAt: new Date(Date.parse(decision.now) + timeoutMs).toISOString() };
  const data = { node: path, kind: kindOf(node), attempt: 1 + (state.earlierAttempts.get(path) ?? 0), ...deadline };
  record(decision, { type: 'NodeScheduled', at: decision.now, data });
}

function run(decision: Decision, state: RunningRun, location: Location): void {
  const { node, frame, path } = location;
  if (isWorker(node)) {
    beginTask(decision, state, location, node);
    if (node.cache !== null) cachedWork(state, location, node, null, decision.meter);
    if (node.effect !== null) effectKey(state, location, node, decision.meter);
    if (sharesKeys(node)) requestSlots(decision, state, location, node);
    return;
  }
  switch (node.kind) {
    case 'transform':
      completeNode(decision, path, resolveIn(state, frame, node.output, decision.meter));
      return;
    case 'combine':
      completeNode(decision, path, combine(state, frame, node));
      return;
    case 'emit': {
      const data = resolveIn(state, frame, node.with, decision.meter);
      record(decision, { type: 'EventEmitted', at: decision.now, data: { node: path, name: node.event, data } });
      completeNode(decision, path, data);
      return;
    }
    case 'branch':
      completeNode(decision, path, choose(decision, state, frame, node));
      return;
    case 'approval':
      beginApproval(decision, state, location, node);
      return;
    case 'wait':
      beginWait(decision, state, location, node);
      return;
    case 'map':
      beginMap(decision, state, location, node);
      return;
    case 'loop':
      beginRound(decision, path, node, 0);
      return;
    case 'subgraph':
      beginSubgraph(decision, state, location, node);
      return;
    default:
      assertNever(node);
  }
}

/** Merges the outputs of the nodes that have one; skipped and failed ones are left out. */
function combine(state: RunningRun, frame: Frame, { from, mode }: CompiledCombine): JsonValue {
  const outputs = from.flatMap((id): [string, JsonValue][] => {
    const node = nodeState(state, frame, id);
    return node?.status === 'completed' ? [[id, node.output]] : [];
  });
  switch (mode) {
    case 'object':
      return Object.fromEntries(outputs);
    case 'list':
      return outputs.map(([, output]) => output);
    case 'concat':
      return outputs.flatMap(([id, output]) => {
        if (!Array.isArray(output)) throw wrongType('cannot_combine', `The output of '${id}' is not a list.`);
        return output;
      });
    case 'merge':
      return Object.fromEntries(outputs.flatMap(([id, output]) => entriesOf(id, output)));
    default:
      return assertNever(mode);
  }
}

function entriesOf(id: string, output: JsonValue): [string, JsonValue][] {
  if (typeof output === 'object' && output !== null && !Array.isArray(output)) return Object.entries(output);
  throw wrongType('cannot_combine', `The output of '${id}' is not an object.`);
}
