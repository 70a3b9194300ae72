/** What holds the model to a form: a schema, tools that it may call, or tools of which it must call one. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { providerError } from '../providers/provider-error.js';
import { anyObject, grammarSchema } from './grammar-schema.js';
import type { LlamaFunctions } from './llama-library.js';

export interface Constraint {
  /** All that is written fits it. */
  readonly schema?: JsonObject;
  /** Tools that may be called, in the words that the model was trained on. */
  readonly functions?: LlamaFunctions;
  /** The JSON that is written is one call. */
  readonly forced: boolean;
  /** To be said before everything else. */
  readonly instruction: string | null;
}

type Options = Pick<LanguageModelV4CallOptions, 'tools' | 'toolChoice' | 'responseFormat'>;
interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: JsonObject;
}

/** @throws MillraceError `provider_rejected_request` where one cannot be held to */
export function constraintOf({ tools = [], toolChoice, responseFormat }: Options): Constraint {
  const all = tools.flatMap((tool) =>
    tool.type === 'function' ? [{ ...tool, inputSchema: tool.inputSchema as unknown as JsonObject }] : [],
  );
  const choice = toolChoice?.type ?? 'auto';
  const usable = choice === 'none' ? [] : all;
  const json = responseFormat?.type === 'json' ? responseFormat : undefined;
  if (json !== undefined && usable.length > 0)
    throw providerError(
      'provider_rejected_request',
      'The local model takes tools or a JSON format, not both in one call.',
    );
  if (json !== undefined) {
    const schema = json.schema === undefined ? anyObject : grammarSchema(json.schema as JsonObject);
    return { schema, forced: false, instruction: null };
  }
  if (usable.length === 0) return { forced: false, instruction: null };
  if (toolChoice?.type === 'required') return forcedCall(usable);
  if (toolChoice?.type === 'tool') return forcedCall(usable.filter(({ name }) => name === toolChoice.toolName));
  return { functions: functionsOf(usable), forced: false, instruction: null };
}

/** The call that a forced answer is; empty where it was cut before its end. */
export function readForcedCall(text: string): (readonly [name: string, params: JsonValue])[] {
  try {
    const call = JSON.parse(text) as { readonly name: string; readonly arguments: JsonValue };
    return [[call.name, call.arguments]];
  } catch {
    return [];
  }
}

function forcedCall(tools: readonly Tool[]): Constraint {
  if (tools.length === 0)
    throw providerError('provider_rejected_request', 'The tool that must be called is not there.');
  const calls = tools.map(({ name, inputSchema }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: parametersOf(inputSchema) },
  }));
  const listed = tools.map(({ name, description, inputSchema }) => ({ name, description, parameters: inputSchema }));
  const instruction = `Answer with one call of a tool as JSON, with its name and its arguments. The tools:\n${JSON.stringify(listed)}`;
  return { schema: { oneOf: calls }, forced: true, instruction };
}

const functionsOf = (tools: readonly Tool[]): LlamaFunctions =>
  Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [
      name,
      { ...(description !== undefined && { description }), params: parametersOf(inputSchema) },
    ]),
  );

/** A tool without parameters takes an empty object, and not any. */
const parametersOf = (schema: JsonObject): JsonObject =>
  schema['properties'] === undefined ? { type: 'object', properties: {} } : grammarSchema(schema);
