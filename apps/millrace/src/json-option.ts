import { jsonObjectSchema } from '@millrace/contracts';
import { invalidInput, type JsonObject, type JsonValue } from '@millrace/kernel';

/** The JSON that an option holds. @throws MillraceError `invalid_input` with an example */
export function jsonOption(option: string, text: string, example: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw invalidInput('invalid_input', `${option} must be JSON, for example '${example}'.`);
  }
}

/** The JSON object that an option holds. @throws MillraceError `invalid_input` with an example */
export function objectOption(option: string, text: string, example: string): JsonObject {
  const parsed = jsonObjectSchema.safeParse(jsonOption(option, text, example));
  if (parsed.success) return parsed.data;
  throw invalidInput('invalid_input', `${option} must be a JSON object, for example '${example}'.`);
}
