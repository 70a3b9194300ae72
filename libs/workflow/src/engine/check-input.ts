import { jsonPointer, violationsOf } from '@millrace/contracts';
import type { JsonObject, JsonValue, Violation } from '@millrace/kernel';
import type { z } from 'zod';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { isStorable, storableText, unstorableParts } from '../storable.js';

/** A run's input with the graph's defaults filled in, or what is wrong with it. Walks it by recursion. */
export function checkInput(
  graph: CompiledGraph,
  input: JsonObject,
): { readonly input: JsonObject } | { readonly violations: readonly Violation[] } {
  return checkAgainst(graph.input, input);
}

/** An object with the defaults of its schema filled in, or what is wrong with it. */
export function checkAgainst(
  schema: z.ZodType<JsonObject>,
  input: JsonObject,
): { readonly input: JsonObject } | { readonly violations: readonly Violation[] } {
  const unstorable = unstorableTexts(input, []);
  if (unstorable.length > 0) return { violations: unstorable };
  const parsed = schema.safeParse(input);
  return parsed.success ? { input: parsed.data } : { violations: violationsOf(parsed.error) };
}

function unstorableTexts(value: JsonValue, path: readonly string[]): Violation[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [unstorableAt(path)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, field]) => {
    const place = [...path, key];
    return isStorable(key) ? unstorableTexts(field, place) : [unstorableAt(place)];
  });
}

const unstorableAt = (path: readonly string[]): Violation => ({
  pointer: storableText(jsonPointer(path)),
  message: `holds ${unstorableParts}`,
});
