/** Checks the description of a run's input or of a form: that it can be used, and that its defaults fit it. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { z } from 'zod';
import type { Allowance } from '../expression/typed-environment.js';
import { limits } from '../limits.js';
import type { InputSchema, ValueSchema } from './input-schema.js';

/** Each default is tried out on its schema, and on all that is in it: `allowance` says how many schemas may be compiled for that. */
export function checkInputSchema(
  input: InputSchema,
  allowance: Allowance,
  place: readonly (string | number)[] = ['input'],
): Violation[] {
  const open: { schema: ValueSchema; path: (string | number)[] }[] = [{ schema: input, path: [...place] }];
  const violations: Violation[] = [];
  for (const { schema, path } of open) {
    violations.push(...checkDefault(schema, path, allowance), ...checkRequired(schema, path));
    if (schema.items) open.push({ schema: schema.items, path: [...path, 'items'] });
    for (const [key, field] of Object.entries(schema.properties ?? {})) {
      open.push({ schema: field, path: [...path, 'properties', key] });
    }
  }
  return violations;
}

function checkDefault(schema: ValueSchema, path: readonly (string | number)[], allowance: Allowance): Violation[] {
  if (schema.default === undefined) return [];
  const pointer = jsonPointer([...path, 'default']);
  if (!affords(allowance, schema)) {
    const message = `The defaults of a graph describe more than ${limits.defaultSchemas} values in all.`;
    return [{ pointer, message }];
  }
  const { default: value, ...rest } = schema;
  const parsed = z.fromJSONSchema(rest as z.core.JSONSchema.JSONSchema).safeParse(value);
  if (parsed.success) return [];
  return [{ pointer, message: `The default does not fit its own schema: ${parsed.error.issues[0]?.message ?? ''}` }];
}

/** Whether as many schemas may be compiled as stand in one. */
function affords(allowance: Allowance, schema: ValueSchema): boolean {
  const open = [schema];
  for (let next = open.pop(); next !== undefined && allowance.left >= 0; next = open.pop()) {
    allowance.left -= 1;
    if (next.items) open.push(next.items);
    open.push(...Object.values(next.properties ?? {}));
  }
  return allowance.left >= 0;
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
