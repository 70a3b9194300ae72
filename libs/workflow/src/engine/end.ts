/** The ways in which a node and a run end. */
import type { Usage } from '@millrace/contracts';
import type { ErrorShape, JsonObject, JsonValue } from '@millrace/kernel';
import { endRun } from './compensate.js';
import { record, running, type Decision } from './decision.js';
import { locate, type Location } from './location.js';
import type { Frame, SkipReason } from './state.js';
import { tolerates } from './tolerate.js';

interface CompletionRest {
  readonly usage?: Usage | undefined;
  /** The input of the tool call that takes its effect back. */
  readonly compensate?: JsonObject;
  readonly effectKey?: string | undefined;
}

export function completeNode(decision: Decision, path: string, output: JsonValue, rest: CompletionRest = {}): void {
  const node = running(decision)?.nodes.get(path);
  if (node?.status !== 'running') return;
  const { usage, compensate, effectKey } = rest;
  const data = {
    node: path,
    attempt: node.attempt,
    output,
    ...(usage && { usage }),
    ...(compensate && { compensate }),
    ...(effectKey !== undefined && { effectKey }),
  };
  record(decision, { type: 'NodeCompleted', at: decision.now, data });
  decision.agenda.push({ action: 'ended', path });
}

export function skipNode(decision: Decision, path: string, kind: string, reason: SkipReason): void {
  record(decision, { type: 'NodeSkipped', at: decision.now, data: { node: path, kind, reason } });
  decision.agenda.push({ action: 'ended', path });
}

interface FailureRest {
  readonly goto?: string | null;
  readonly output?: JsonValue;
}

/**
 * Fails a node for good, and outwards the maps and loops around it and the run, up to the first that goes on after errors.
 * `goto` is where this failure of the node leads, whatever the node says of others; `output` is what it has all the same.
 */
export function failNode(decision: Decision, path: string, error: ErrorShape, rest: FailureRest = {}): void {
  let failing: string | null = path;
  while (failing !== null) {
    const state = running(decision);
    const node = state?.nodes.get(failing);
    const location: Location | null | undefined = state && locate(state, failing);
    if (!location || (node?.status !== 'running' && node?.status !== 'retrying')) return;
    const { goto = null, output }: FailureRest = failing === path ? rest : {};
    const target = goto ?? location.node.errorTarget;
    const way = { ...(target !== null && { goto: target }), ...(output !== undefined && { output }) };
    const data = { node: failing, attempt: node.attempt, error, ...way };
    record(decision, { type: 'NodeFailed', at: decision.now, data });
    if (target !== null || location.node.continueOnError || state?.ending !== null) {
      decision.agenda.push({ action: 'ended', path: failing });
      return;
    }
    const after = running(decision);
    const owner: Frame['owner'] = location.frame.owner;
    if (after && owner && tolerates(after, owner)) {
      record(decision, {
        type: 'MapItemFailed',
        at: decision.now,
        data: { node: owner.path, index: owner.index, error },
      });
      decision.agenda.push({ action: 'ended', path: failing });
      return;
    }
    failing = owner?.path ?? null;
  }
  failRun(decision, { code: error.code, message: error.message, node: path });
}

export function failRun(decision: Decision, error: { code: string; message: string; node?: string }): void {
  endRun(decision, { outcome: 'failed', error });
}
