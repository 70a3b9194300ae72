/** JSON Merge Patch (RFC 7396), and what the state of a thread may be. Pure. */
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import { limits } from '../limits.js';
import { isStorable, unstorableParts } from '../storable.js';

/** The target with a patch merged into it; neither is changed. Safe for any key. Walks the patch by recursion. */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, isObject(value) ? mergePatch(objectIn(merged.get(key)), value) : value);
  }
  return Object.fromEntries(merged);
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objectIn = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});

/** Why a value cannot be in the state of a thread, or null. Walks without recursion. */
function refusalOfThreadValue(value: JsonObject): MillraceError | null {
  const open: { readonly value: JsonValue; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (place.depth > limits.threadStateDepth) return tooDeep();
    const { value: here, depth } = place;
    if (typeof here === 'string' && !isStorable(here)) return unstorable();
    if (typeof here !== 'object' || here === null) continue;
    for (const [key, inner] of Object.entries(here)) {
      if (!isStorable(key)) return unstorable();
      open.push({ value: inner, depth: depth + 1 });
    }
  }
  return null;
}

/**
 * The state that a patch leads to.
 * @throws MillraceError `thread_state_too_deep`, `thread_state_too_large`, `unstorable_text`
 */
export function patchedState(state: JsonObject, patch: JsonObject): JsonObject {
  const refusal = refusalOfThreadValue(patch);
  if (refusal !== null) throw refusal;
  const merged = mergePatch(state, patch);
  const size = new TextEncoder().encode(JSON.stringify(merged)).length;
  if (size <= limits.threadStateBytes) return merged;
  const message = `The state of the thread would take ${size} bytes as JSON; at most ${limits.threadStateBytes} are kept. Remove something with null.`;
  throw new MillraceError('too-large', 'thread_state_too_large', message);
}

const tooDeep = (): MillraceError =>
  new MillraceError(
    'invalid',
    'thread_state_too_deep',
    `The state of a thread is nested at most ${limits.threadStateDepth} levels deep.`,
  );
const unstorable = (): MillraceError =>
  new MillraceError('invalid', 'unstorable_text', `The state of a thread holds a text with ${unstorableParts}.`);
