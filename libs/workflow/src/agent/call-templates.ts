/** What the nodes of one call read and yield: a tool of the toolbox, the work of another node, and the approval before it. */
import { MillraceError, sha256Hex, type JsonObject, type JsonValue } from '@millrace/kernel';
import type { CompiledTemplate } from '../compile/compiled-graph.js';
import { argumentsVariable } from '../document/agent-tools.js';
import type { Frame } from '../engine/state.js';
import { resolveIn, type Seen } from '../engine/variables.js';
import { toCel } from '../expression/values.js';
import { contentOf, type EndedCall } from './conversation.js';
import { fillAddress } from './fill-address.js';
import type { PlannedCall } from './plan-calls.js';
import { plannedCallAt } from './rounds.js';
import { agentNodes, type AgentRules } from './rules.js';
import type { Compute } from './templates.js';
import { toldOf } from './tool-results.js';

export const isMade: Compute<boolean> = (state, frame) => plannedCallAt(state, frame).refusal === null;

export const toolInput: Compute<JsonObject> = (state, frame) => {
  const call = plannedCallAt(state, frame);
  return { tool: call.name, arguments: call.arguments };
};

/** The same for every attempt of a call: a tool that takes keys does once what it is asked to. `id` is that of the call's node. */
export const callKey =
  (id: string): Compute<string> =>
  (state, frame) => {
    const key = `${state.runId}:${frame.prefix}${id}`;
    return key.length <= 255 ? key : sha256Hex(key);
  };

/** A template of a declared tool, which stands where its agent stands and sees the arguments of the call. */
export const seenFromAgent =
  (compiled: CompiledTemplate): Compute =>
  (state, frame, meter) =>
    resolveIn(state, frameOfAgent(state, frame), compiled, meter, {
      [argumentsVariable]: toCel(plannedCallAt(state, frame).arguments),
    });

/** The input of an HTTP request: the arguments that its address names are filled in. @throws MillraceError `invalid_arguments` */
export const requestInput =
  (compiled: CompiledTemplate): Compute =>
  (state, frame, meter) => {
    const input = seenFromAgent(compiled)(state, frame, meter) as JsonObject;
    const { url } = input;
    if (typeof url !== 'string') return input;
    return { ...input, url: fillAddress(url, plannedCallAt(state, frame).arguments) };
  };

/** The input of a graph: what the model gave, and what the agent's author fixed, which wins. */
export const graphInput =
  (compiled: CompiledTemplate): Compute =>
  (state, frame, meter) => ({
    ...plannedCallAt(state, frame).arguments,
    ...(seenFromAgent(compiled)(state, frame, meter) as JsonObject),
  });

export const approvalTitle: Compute<string> = (state, frame) =>
  `An agent asks to call ${plannedCallAt(state, frame).name}.`;

export const approvalContext =
  (description: string): Compute =>
  (state, frame) => {
    const { name, arguments: given } = plannedCallAt(state, frame);
    return { agent: pathOfAgent(state, frame), tool: name, description, arguments: given };
  };

export const isApproved: Compute<boolean> = (state, frame) => decisionAt(state, frame) === 'approved';

function decisionAt(state: Seen, frame: Frame): JsonValue {
  const node = state.nodes.get(frame.prefix + agentNodes.approval);
  const output = node?.status === 'completed' ? node.output : null;
  return isObject(output) ? (output['decision'] ?? null) : null;
}

/** What came of a call: the output of a map's item. */
export const callResult =
  ({ declared }: AgentRules): Compute =>
  (state, frame) => {
    const call = plannedCallAt(state, frame);
    const { id, name, arguments: given, refusal } = call;
    const ended = (content: JsonValue, made: boolean): JsonValue => {
      const result: EndedCall = { id, name, arguments: given, content: contentOf(content), made };
      return result as unknown as JsonValue;
    };
    if (refusal !== null) return ended({ error: refusal }, false);
    const tool = declared.get(name);
    const node = state.nodes.get(frame.prefix + (tool === undefined ? agentNodes.call : name));
    if (node?.status === 'completed') {
      if (tool !== undefined) return ended(toldOf(tool.kind, node.output), true);
      return ended((isObject(node.output) ? node.output['result'] : node.output) ?? null, true);
    }
    if (node?.status === 'failed') {
      const { code, message } = node.error;
      return ended({ error: message, code }, true);
    }
    const unapproved = tool === undefined ? null : refusalOf(state, frame, call);
    if (unapproved !== null) return ended(unapproved, true);
    return ended({ error: 'The budget of the run did not allow the call.' }, false);
  };

/** What the model is told where its call was not approved; null where that is not why it was not made. */
function refusalOf(state: Seen, frame: Frame, { name }: PlannedCall): JsonObject | null {
  const approval = state.nodes.get(frame.prefix + agentNodes.approval);
  if (approval?.status === 'failed') return { error: approval.error.message, code: approval.error.code };
  if (approval?.status !== 'completed' || decisionAt(state, frame) !== 'rejected') return null;
  const output = approval.output as JsonObject;
  if (output['by'] === 'deadline')
    return { error: `Nobody approved the call of ${name} in time: it was not made.`, code: 'approval_expired' };
  const { reason } = isObject(output['data']) ? output['data'] : {};
  const told = { error: `The call of ${name} was refused: it was not made.`, code: 'approval_rejected' };
  return typeof reason === 'string' && reason !== '' ? { ...told, reason } : told;
}

/** From the frame of a map's item: `research[0].rounds[2].calls[0]`. */
function pathOfAgent(state: Seen, { owner }: Frame): string {
  const calls = owner?.path ?? '';
  const round = calls.slice(0, calls.lastIndexOf('.'));
  const inside = round.slice(0, round.lastIndexOf('.'));
  return state.frames.get(inside)?.owner?.path ?? '';
}

function frameOfAgent(state: Seen, frame: Frame): Frame {
  const path = pathOfAgent(state, frame);
  const around = state.frames.get(path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '');
  if (around === undefined) throw new MillraceError('internal', 'no_frame', 'An agent stands in no frame.');
  return around;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
