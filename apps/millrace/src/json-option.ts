import { invalidInput, type JsonValue } from '@millrace/kernel';

/** The JSON that an option holds. @throws MillraceError `invalid_input` with an example */
export function jsonOption(option: string, text: string, example: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw invalidInput('invalid_input', `${option} must be JSON, for example '${example}'.`);
  }
}
