import { invalidInput } from '@millrace/kernel';

const maxDepth = 100;

/**
 * Parses a JSON body.
 * @throws MillraceError `malformed_json` with the place, `json_too_deep`, `forbidden_property` for names that could
 *   reach an object's prototype.
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
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > maxDepth) throw invalidInput('json_too_deep', `The body nests deeper than ${maxDepth} levels.`);
    if (Object.hasOwn(value, '__proto__')) {
      throw invalidInput('forbidden_property', 'The body has a property named "__proto__". Rename it.');
    }
    for (const child of Object.values(value)) pending.push({ value: child, depth: depth + 1 });
  }
}
