/** What of an agent's declared tools is the same in all of its rounds. */
import { violationsOf } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { z } from 'zod';
import { parametersOf, type DeclaredTool } from '../document/agent-tools.js';
import { readArguments } from './read-arguments.js';

/** A tool that is the work of another node. */
export interface ToolRules {
  readonly kind: DeclaredTool['kind'];
  readonly description: string;
  /** What a model may fill in, for checking and as it is told it. */
  readonly schema: z.ZodType<JsonObject>;
  readonly parameters: JsonObject;
}

export function rulesOfTool(tool: DeclaredTool): ToolRules {
  const parameters = parametersOf(tool) ?? { type: 'object' };
  return {
    kind: tool.kind,
    description: tool.description,
    schema: z.fromJSONSchema(parameters as z.core.JSONSchema.JSONSchema) as z.ZodType<JsonObject>,
    parameters: parameters,
  };
}

/** The arguments of a call with the defaults of their schema, or why they cannot be used. */
export function argumentsFor(tool: ToolRules | undefined, text: string): ReturnType<typeof readArguments> {
  const read = readArguments(text);
  if (tool === undefined || 'flaw' in read) return read;
  const checked = tool.schema.safeParse(read.arguments);
  if (checked.success) return { arguments: checked.data };
  const said = violationsOf(checked.error)
    .slice(0, 5)
    .map(({ pointer, message }) => `${pointer.slice(0, 200) || '/'} ${message.slice(0, 200)}`);
  return { flaw: `The arguments do not fit: ${said.join('; ').toWellFormed()}.` };
}
