import { MillraceError, type Violation } from '@millrace/kernel';
import { isSecretName, redactText } from '@millrace/telemetry';
import { z } from 'zod';
import type { Environment } from '../service-definition.js';

/** One variable of the environment: its name, what it must be, and an example for the message when it is not. */
export interface Variable<Value = unknown> {
  readonly name: string;
  readonly schema: z.ZodType<Value>;
  readonly example: string;
}

export const variable = <Value>(name: string, schema: z.ZodType<Value>, example: string): Variable<Value> => ({
  name,
  schema,
  example,
});

/** A whole number, as text in the environment. */
export const wholeNumber = (range: { readonly min: number; readonly max: number }) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .pipe(
      z.coerce
        .number<string>()
        .min(range.min, `must be at least ${range.min}`)
        .max(range.max, `must be at most ${range.max}`),
    );

export const portNumber = () => wholeNumber({ min: 0, max: 65_535 });

const host = String.raw`(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}`;
const hosts = new RegExp(`^${host}(?:,${host})*$`);

/** Hosts with their ports, divided by commas; none where it is not set. */
export const hostList = () =>
  z
    .string()
    .regex(hosts, 'must be host:port, divided by commas')
    .transform((text) => text.split(','))
    .default([]);

/** `true`, `1`, `yes` or `on`, and their opposites. */
export const flag = () => z.stringbool({ error: 'must be true or false' });

type ValuesOf<Variables extends Readonly<Record<string, Variable>>> = {
  readonly [Key in keyof Variables]: z.output<Variables[Key]['schema']>;
};

/**
 * Reads variables of the environment; an empty one counts as not set.
 *
 *     readConfiguration(environment, { port: variable('MILLRACE_HTTP_PORT', portNumber().default(8080), '8080') })
 *
 * @throws MillraceError `invalid_configuration` that lists every variable that is wrong, never the value of a secret one.
 */
export function readConfiguration<const Variables extends Readonly<Record<string, Variable>>>(
  environment: Environment,
  variables: Variables,
): ValuesOf<Variables> {
  const values: Record<string, unknown> = {};
  const violations: Violation[] = [];
  for (const [key, described] of Object.entries(variables)) {
    const text = environment[described.name];
    const parsed = described.schema.safeParse(text === '' ? undefined : text);
    if (parsed.success) values[key] = parsed.data;
    else violations.push({ pointer: `/${described.name}`, message: problemOf(described, text, parsed.error) });
  }
  if (violations.length > 0) throw invalidConfiguration(violations);
  return values as ValuesOf<Variables>;
}

function problemOf({ name, example }: Variable, text: string | undefined, error: z.ZodError): string {
  if (text === undefined || text === '') return `is not set; for example ${example}`;
  const problems = [...new Set(error.issues.map((issue) => issue.message))].join(', ');
  const shown = isSecretName(name) ? '' : ` (it is ${JSON.stringify(redactText(text).slice(0, 100))})`;
  return `${problems}${shown}; for example ${example}`;
}

function invalidConfiguration(violations: readonly Violation[]): MillraceError {
  const lines = violations.map(({ pointer, message }) => `  ${pointer.slice(1)}: ${message}`);
  return new MillraceError('invalid', 'invalid_configuration', ['The configuration is wrong:', ...lines].join('\n'), {
    violations,
  });
}
