import { MillraceError, toMillraceError, type ErrorShape } from '@millrace/kernel';

/** The error of a node that the engine itself could not run: trying again would give the same. */
export function errorOf(thrown: unknown): ErrorShape {
  return { ...toMillraceError(thrown).toShape(), retryable: false };
}

/** The error for a value that is of the wrong type. */
export const wrongType = (code: string, message: string): MillraceError => new MillraceError('invalid', code, message);
