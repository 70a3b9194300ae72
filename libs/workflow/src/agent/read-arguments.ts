import type { JsonObject } from '@millrace/kernel';
import { boundsOf } from '../document/bounds.js';
import { limits } from '../limits.js';

/** The arguments of a call, or why they cannot be used. */
export function readArguments(text: string): { readonly arguments: JsonObject } | { readonly flaw: string } {
  if (text.length > limits.agentArgumentsLength)
    return { flaw: `The arguments take ${text.length} characters; ${limits.agentArgumentsLength} are the most.` };
  let value: unknown;
  try {
    value = JSON.parse(text.trim() === '' ? '{}' : text);
  } catch {
    return { flaw: 'The arguments are no JSON. Send one JSON object.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { flaw: 'The arguments must be one JSON object.' };
  const [wrong] = boundsOf(value);
  if (wrong !== undefined) return { flaw: `The arguments cannot be used: ${wrong.pointer || '/'}: ${wrong.message}` };
  return { arguments: value as JsonObject };
}
