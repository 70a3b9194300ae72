/** The databases that graphs may read, as an operator names them. Where they are is in variables of the environment: a file gets copied. */
import { nameSchema, tenantIdSchema, violationsOf } from '@millrace/contracts';
import { MillraceError } from '@millrace/kernel';
import type { Environment } from '@millrace/service';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export interface DatabaseSource {
  readonly url: string;
  /** Whose graphs may read it; `*` is everybody. */
  readonly tenants: readonly string[];
}

const fileSchema = z.record(
  nameSchema,
  z.strictObject({
    urlVariable: z.string().regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'must be the name of a variable'),
    tenants: z.array(z.union([z.literal('*'), tenantIdSchema])).min(1),
  }),
);

/** @throws MillraceError `invalid_configuration` that says what is wrong, and never where a database is */
export function readSources(path: string | undefined, environment: Environment): ReadonlyMap<string, DatabaseSource> {
  if (path === undefined) return new Map();
  const parsed = fileSchema.safeParse(contentOf(path));
  if (!parsed.success) {
    const reasons = violationsOf(parsed.error).map(({ pointer, message }) => `${pointer || '/'} ${message}`);
    throw wrong(`does not fit: ${reasons.join('; ')}`);
  }
  return new Map(
    Object.entries(parsed.data).map(([name, { urlVariable, tenants }]) => {
      const url = environment[urlVariable] ?? '';
      if (!/^postgres(ql)?:/.test(url)) throw wrong(`names ${urlVariable}, which is no postgres:// address`);
      return [name, { url, tenants }];
    }),
  );
}

function contentOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (cause) {
    throw wrong(`cannot be read as JSON (${(cause as NodeJS.ErrnoException).code ?? 'no JSON'})`);
  }
}

const wrong = (problem: string): MillraceError =>
  new MillraceError('invalid', 'invalid_configuration', `MILLRACE_TOOLBOX_DATABASES_FILE ${problem}.`);
