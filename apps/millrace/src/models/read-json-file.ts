import { violationsOf } from '@millrace/contracts';
import { invalidInput } from '@millrace/kernel';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { z } from 'zod';

/** What a JSON file holds. @throws MillraceError `unreadable_file`, `invalid_input` with each mistake */
export async function readJsonFile<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  folder: string,
): Promise<z.output<Schema>> {
  const text = await readFile(resolve(folder, path), 'utf8').catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw invalidInput('unreadable_file', `${path} cannot be read (${reason}).`);
  });
  return checked(parsed(text, path), schema, `${path} cannot be used.`);
}

/** @throws MillraceError `invalid_input` with each mistake */
export function checked<Schema extends z.ZodType>(value: unknown, schema: Schema, message: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput('invalid_input', message, violationsOf(result.error));
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidInput(
      'invalid_input',
      `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
