/** Checks the description of a run's input or of a form: that it can be used, and that its defaults fit it. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { z } from 'zod';
import type { InputSchema, ValueSchema } from './input-schema.js';

export function checkInputSchema(input: InputSchema, place: readonly (string | number)[] = ['input']): Violation[] {
  const open: { schema: ValueSchema; path: (string | number)[] }[] = [{ schema: input, path: [...place] }];
  const violations: Violation[] = [];
  for (const { schema, path } of open) {
    violations.push(...checkDefault(schema, path), ...checkRequired(schema, path));
    if (schema.items) open.push({ schema: schema.items, path: [...path, 'items'] });
    for (const [key, field] of Object.entries(schema.properties ?? {})) {
      open.push({ schema: field, path: [...path, 'properties', key] });
    }
  }
  return violations;
}

function checkDefault(schema: ValueSchema, path: readonly (string | number)[]): Violation[] {
  if (schema.default === undefined) return [];
  const pointer = jsonPointer([...path, 'default']);
  const { default: value, ...rest } = schema;
  const parsed = z.fromJSONSchema(rest as z.core.JSONSchema.JSONSchema).safeParse(value);
  if (parsed.success) return [];
  return [{ pointer, message: `The default does not fit its own schema: ${parsed.error.issues[0]?.message ?? ''}` }];
}

function checkRequired(
  { required = [], properties = {} }: ValueSchema,
  path: readonly (string | number)[],
): Violation[] {
  return required.flatMap((key, index) =>
    Object.hasOwn(properties, key)
      ? []
      : [{ pointer: jsonPointer([...path, 'required', index]), message: `There is no property '${key}'.` }],
  );
}
