/** Whether what a model said is the answer. Pure. */
import { violationsOf, type ToolCall } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { z } from 'zod';
import { finishTool } from '../document/agent-fields.js';
import { readArguments } from './read-arguments.js';

/** What of the output of a model's task agents look at. */
export interface LlmOutput {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly citations: JsonValue;
  readonly model: string | null;
}

/** `json` is null where the answer has no schema. */
export type Answer = { readonly isAnswer: true; readonly json: JsonObject | null } | NoAnswer;
interface NoAnswer {
  readonly isAnswer: false;
  /** What is wrong with an answer that was tried; null where none was. */
  readonly flaw: string | null;
}

/** Without a schema, an answer is whatever calls no tool; with one, it is JSON that fits, said or given to `finish`. */
export function answerOf({ text, toolCalls }: LlmOutput, schema: z.ZodType<JsonObject> | null): Answer {
  if (schema === null) return toolCalls.length > 0 ? { isAnswer: false, flaw: null } : { isAnswer: true, json: null };
  const finishes = toolCalls.filter(({ name }) => name === finishTool);
  if (finishes.length === 0 && toolCalls.length > 0) return { isAnswer: false, flaw: null };
  return fitting(finishes.at(-1)?.arguments ?? unfenced(text), schema);
}

function fitting(text: string, schema: z.ZodType<JsonObject>): Answer {
  const read = readArguments(text);
  if ('flaw' in read) return { isAnswer: false, flaw: read.flaw };
  const checked = schema.safeParse(read.arguments);
  if (checked.success) return { isAnswer: true, json: checked.data };
  const reasons = violationsOf(checked.error).slice(0, 5);
  const said = reasons.map(({ pointer, message }) => `${pointer || '/'} ${message}`).join('; ');
  return { isAnswer: false, flaw: `The answer does not fit its schema: ${said}.` };
}

const unfenced = (text: string): string => /^\s*```(?:json)?\n([\s\S]*)\n```\s*$/.exec(text)?.[1] ?? text;
