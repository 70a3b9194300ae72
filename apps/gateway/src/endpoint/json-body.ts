import { jsonPointer } from '@millrace/contracts';
import { invalidInput, type Violation } from '@millrace/kernel';
import { mistakesIn } from './mistakes.js';
import { unstorableBecause } from './storable-text.js';

const maxDepth = 100;
/** As many as schemas name: a hostile body cannot make a huge answer. */
const maxViolations = 50;

/** A value inside the body, and the way to it, which is spelled out only for what is refused. */
interface Place {
  readonly value: unknown;
  readonly depth: number;
  readonly key: string;
  readonly parent: Place | null;
}

/**
 * Parses a JSON body.
 * @throws MillraceError `malformed_json` with the place, `json_too_deep`, `forbidden_property` for names that could
 *   reach an object's prototype, `invalid_body` with a pointer to each text that cannot be stored.
 */
export function parseJsonBody(text: string): unknown {
  const value = parse(text);
  refuseHostileShape(value);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's words quote the input and name the place; they hold nothing that the caller did not send.
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    throw invalidInput('malformed_json', `The body is not JSON: ${reason}.`);
  }
}

/** Walks without recursion: a deep document must not overflow the stack here, nor in whoever walks it later. */
function refuseHostileShape(root: unknown): void {
  const violations: Violation[] = [];
  const pending: Place[] = [{ value: root, depth: 1, key: '', parent: null }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (violations.length < maxViolations) violations.push(...unstorableAt(next));
    if (typeof value !== 'object' || value === null) continue;
    if (depth > maxDepth) throw invalidInput('json_too_deep', `The body nests deeper than ${maxDepth} levels.`);
    if (Object.hasOwn(value, '__proto__')) {
      throw invalidInput('forbidden_property', 'The body has a property named "__proto__". Rename it.');
    }
    // The last goes in first, so that mistakes come out in the order of the body.
    for (const [key, child] of Object.entries(value).reverse()) {
      pending.push({ value: child, depth: depth + 1, key, parent: next });
    }
  }
  if (violations.length > 0) throw mistakesIn('body', violations);
}

function unstorableAt(place: Place): Violation[] {
  const nameFlaw = unstorableBecause(place.key);
  if (nameFlaw !== null) return [{ pointer: pointerTo(place), message: `has a name that ${nameFlaw}` }];
  const flaw = typeof place.value === 'string' ? unstorableBecause(place.value) : null;
  return flaw === null ? [] : [{ pointer: pointerTo(place), message: flaw }];
}

function pointerTo(place: Place): string {
  const path: string[] = [];
  for (let at = place; at.parent !== null; at = at.parent) path.unshift(at.key);
  return jsonPointer(path);
}
