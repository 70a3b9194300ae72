import { jsonSchemaOf, violationsOf } from '@millrace/contracts';
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import { delay } from './delay.js';
import { echo } from './echo.js';
import type { AnyTool, ToolCall } from './tool.js';

const tools: ReadonlyMap<string, AnyTool> = new Map([echo, delay].map((tool) => [tool.name, tool]));

/** A tool as others see it; `arguments` is a JSON Schema. */
export interface ToolDescription {
  readonly name: string;
  readonly description: string;
  readonly arguments: JsonObject;
}

/** Every tool there is, by name. */
export function describeTools(): readonly ToolDescription[] {
  return [...tools.values()].map(({ name, description, arguments: schema }) => ({
    name,
    description,
    arguments: jsonSchemaOf(schema, 'input'),
  }));
}

/**
 * Calls a tool by name.
 * @throws MillraceError `unknown_tool`, `invalid_arguments`, both permanent; and what the tool throws
 */
export async function callTool(name: string, given: unknown, call: ToolCall): Promise<JsonValue> {
  const tool = tools.get(name);
  if (tool === undefined) {
    const known = [...tools.keys()].join(', ');
    throw new MillraceError('invalid', 'unknown_tool', `There is no tool of that name; there are ${known}.`, {
      violations: [{ pointer: '/tool', message: 'is not a known tool' }],
    });
  }
  const parsed = tool.arguments.safeParse(given);
  if (!parsed.success) {
    const found = violationsOf(parsed.error);
    const violations = found.map(({ pointer, message }) => ({ pointer: `/arguments${pointer}`, message }));
    // A run keeps the message alone, so it names what is wrong, too.
    const mistakes = found.slice(0, 5).map(({ pointer, message }) => `${pointer.slice(1)} ${message}`);
    throw new MillraceError(
      'invalid',
      'invalid_arguments',
      `The arguments do not fit ${name}: ${mistakes.join('; ')}.`,
      {
        violations,
      },
    );
  }
  return tool.execute(parsed.data as never, call);
}
