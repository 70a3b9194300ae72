import { MillraceError, toMillraceError, type ErrorShape } from '@millrace/kernel';
import { storableText } from '../storable.js';

/** The error of a node that the engine itself could not run: trying again would give the same. */
export function errorOf(thrown: unknown): ErrorShape {
  return storableError({ ...toMillraceError(thrown).toShape(), retryable: false });
}

/** An error whose words quote who knows what, such that the event that tells of it can be stored. */
export function storableError(error: ErrorShape): ErrorShape {
  const violations = error.violations?.map(({ pointer, message }) => ({
    pointer: storableText(pointer),
    message: storableText(message),
  }));
  const texts = { code: storableText(error.code), message: storableText(error.message) };
  return { ...error, ...texts, ...(violations && { violations }) };
}

/** The error for a value that is of the wrong type. */
export const wrongType = (code: string, message: string): MillraceError => new MillraceError('invalid', code, message);
