/** The ways in which a node and a run end. */
import type { Usage } from '@millrace/contracts';
import type { ErrorShape, JsonValue } from '@millrace/kernel';
import { record, running, type Decision } from './decision.js';
import { locate, type Location } from './location.js';
import type { SkipReason } from './state.js';

export function completeNode(decision: Decision, path: string, output: JsonValue, usage?: Usage): void {
  const node = running(decision)?.nodes.get(path);
  if (node?.status !== 'running') return;
  const data = { node: path, attempt: node.attempt, output, ...(usage && { usage }) };
  record(decision, { type: 'NodeCompleted', at: decision.now, data });
  decision.agenda.push({ action: 'ended', path });
}

export function skipNode(decision: Decision, path: string, kind: string, reason: SkipReason): void {
  record(decision, { type: 'NodeSkipped', at: decision.now, data: { node: path, kind, reason } });
  decision.agenda.push({ action: 'ended', path });
}

/**
 * Fails a node for good, and outwards the maps and loops around it and the run, up to the first that goes on after errors.
 * `goto` is where this failure of the node leads, whatever the node says of others.
 */
export function failNode(decision: Decision, path: string, error: ErrorShape, goto: string | null = null): void {
  let failing: string | null = path;
  while (failing !== null) {
    const state = running(decision);
    const node = state?.nodes.get(failing);
    const location: Location | null | undefined = state && locate(state, failing);
    if (!location || (node?.status !== 'running' && node?.status !== 'retrying')) return;
    const target = (failing === path ? goto : null) ?? location.node.errorTarget;
    const data = { node: failing, attempt: node.attempt, error, ...(target !== null && { goto: target }) };
    record(decision, { type: 'NodeFailed', at: decision.now, data });
    if (target !== null || location.node.continueOnError) {
      decision.agenda.push({ action: 'ended', path: failing });
      return;
    }
    failing = location.frame.owner?.path ?? null;
  }
  failRun(decision, { code: error.code, message: error.message, node: path });
}

export function failRun(decision: Decision, error: { code: string; message: string; node?: string }): void {
  record(decision, { type: 'RunFailed', at: decision.now, data: { error } });
}
