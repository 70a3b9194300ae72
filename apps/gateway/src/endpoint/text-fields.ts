import { z } from 'zod';

type TextFields = Readonly<Record<string, unknown>>;

/**
 * Turns the text of query and path parameters into the JSON that their schema speaks of: numbers and booleans where
 * it says so. What does not look like one stays text, so that the schema refuses it with its own words.
 */
export function textFieldReader(schema: z.ZodObject): (fields: TextFields) => Record<string, unknown> {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' }) as {
    properties?: Record<string, { type?: string }>;
  };
  return (fields) =>
    Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, readField(text, properties[name]?.type)]));
}

function readField(text: unknown, type: string | undefined): unknown {
  if (typeof text !== 'string') return text;
  if (type === 'integer' || type === 'number') return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
}
