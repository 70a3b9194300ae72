/** Gets the JSON out of a model's answer, which may have words and fences around it. */
import { violationsOf } from '@millrace/contracts';
import { invalidInput, type JsonObject } from '@millrace/kernel';
import { z } from 'zod';
import { parseMarkdown } from '../reading/markdown.js';
import { storableText } from '../providers/storable-text.js';

export type JsonReading =
  | { readonly ok: true; readonly json: JsonObject }
  /** What is wrong, in words that help a model to do better. */
  | { readonly ok: false; readonly problem: string };

/**
 * @param schema the JSON Schema that the answer must fit
 * @throws MillraceError `invalid_answer_schema`
 */
export function readJsonAnswer(text: string, schema: JsonObject): JsonReading {
  const validator = validatorOf(schema);
  let problem = 'There is no JSON object in it.';
  for (const candidate of candidatesIn(text)) {
    const value = parseObject(candidate);
    if (value === null) continue;
    const checked = validator.safeParse(value);
    if (checked.success) return { ok: true, json: checked.data as JsonObject };
    const first = violationsOf(checked.error)[0];
    problem = `The JSON does not fit the schema: ${first?.pointer ?? ''} ${first?.message ?? 'is wrong'}.`;
  }
  return { ok: false, problem };
}

/** Schemas may be a graph's own. @throws MillraceError `invalid_answer_schema` */
export function validatorOf(schema: JsonObject): z.ZodType {
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    const message = `is no JSON Schema that can be checked: ${(error as Error).message.slice(0, 200)}`;
    throw invalidInput('invalid_answer_schema', 'The schema of the answer cannot be used.', [
      { pointer: '/answer/schema', message },
    ]);
  }
}

/** The whole text, its fenced code, and the longest stretch between braces. */
function* candidatesIn(text: string): Generator<string> {
  yield text;
  for (const node of parseMarkdown(text).children) if (node.type === 'code') yield node.value;
  const first = text.indexOf('{');
  const last = text.lastIndexOf('}');
  if (first !== -1 && last > first) yield text.slice(first, last + 1);
}

function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text, (_, inner: unknown) =>
      typeof inner === 'string' ? storableText(inner) : inner,
    );
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}
