/** What becomes of the calls that a model asks for: which are made, and what is said of those that are not. Pure. */
import type { ToolCall } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { finishTool, toolNamePattern } from '../document/agent-fields.js';
import { limits } from '../limits.js';
import { argumentsFor, type ToolRules } from './tool-rules.js';

/** A call as it is gone on with: whatever the model wrote, it can be stored and be said to a model again. */
export interface PlannedCall {
  /** Unique in the conversation. */
  readonly id: string;
  readonly name: string;
  readonly arguments: JsonObject;
  /** Why it is not made; null where it is. */
  readonly refusal: string | null;
}

export interface CallRules {
  readonly round: number;
  /** The names of the tools that may be called. */
  readonly granted: ReadonlySet<string>;
  /** Of these, by name, what is checked here: whatever the toolbox is asked, it checks itself. */
  readonly declared: ReadonlyMap<string, ToolRules>;
  /** How many more may be made. */
  readonly left: number;
  /** Whether nobody will read what they say. */
  readonly isLast: boolean;
  /** Why the last call of `finish` does not count; null where the answer has no schema, or none was made. */
  readonly unfit: string | null;
  /** The ids of earlier calls. */
  readonly taken: ReadonlySet<string>;
}

/** Plans the calls of one answer, in their order. More than `limits.agentCallsInRound` are not looked at. */
export function planCalls(calls: readonly ToolCall[], rules: CallRules): PlannedCall[] {
  const taken = new Set(rules.taken);
  let made = 0;
  return calls.slice(0, limits.agentCallsInRound).map((call, index) => {
    const id = freeId(call.id, `call_${rules.round}_${index}`, taken);
    taken.add(id);
    const name = toolNamePattern.test(call.name) ? call.name : 'unknown';
    const refusal = refusalOf(call, rules, rules.left - made);
    if (refusal !== null) return { id, name, arguments: {}, refusal };
    const read = argumentsFor(rules.declared.get(call.name), call.arguments);
    if ('flaw' in read) return { id, name, arguments: {}, refusal: read.flaw };
    made += 1;
    return { id, name, arguments: read.arguments, refusal: null };
  });
}

function freeId(said: string, own: string, taken: ReadonlySet<string>): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(said) && !taken.has(said)) return said;
  let id = own;
  for (let copy = 2; taken.has(id); copy += 1) id = `${own}_${copy}`;
  return id;
}

function refusalOf({ name }: ToolCall, { granted, isLast, unfit }: CallRules, left: number): string | null {
  if (name === finishTool && unfit !== null) return unfit;
  if (!granted.has(name)) {
    const known = granted.size === 0 ? 'There are no tools here.' : `There are: ${[...granted].join(', ')}.`;
    return `There is no tool ${JSON.stringify(name.slice(0, 64).toWellFormed())} here. ${known}`;
  }
  if (isLast) return 'This was the last round: the call was not made.';
  return left > 0 ? null : 'No tool call is left: the call was not made. Answer with what is known.';
}
