import { jsonSchemaOf, violationsOf } from '@millrace/contracts';
import { MillraceError, type JsonObject, type JsonValue } from '@millrace/kernel';
import { z } from 'zod';
import { calculate } from './calculate.js';
import { delay } from './delay.js';
import { echo } from './echo.js';
import { defineTool, type AnyTool, type ToolCall } from './tool.js';

/** How whoever lets a model choose among tools learns what they take. */
const describe = defineTool({
  name: 'describe',
  description: 'Says of tools, by their names, what they do and which arguments they take.',
  arguments: z.strictObject({ names: z.array(z.string().max(100)).max(200) }),
  execute: ({ names }) => {
    const described = new Map(describeTools().map((tool) => [tool.name, tool]));
    return Promise.resolve({ tools: names.map((name) => ({ ...(described.get(name) ?? unknown(name)) })) });
  },
});

const tools: ReadonlyMap<string, AnyTool> = new Map(
  [echo, delay, calculate, describe].map((tool) => [tool.name, tool]),
);

function unknown(name: string): never {
  const known = [...tools.keys()].join(', ');
  const said = JSON.stringify(name.slice(0, 100).toWellFormed());
  throw new MillraceError('invalid', 'unknown_tool', `There is no tool ${said}; there are ${known}.`);
}

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
