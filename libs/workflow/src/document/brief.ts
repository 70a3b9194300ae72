/** Bounds what is said of a document's mistakes: what quotes a hostile document must not be as large as it is. */
import type { Violation } from '@millrace/kernel';
import { limits } from '../limits.js';
import { shortened } from '../shortened.js';
import { storableText } from '../storable.js';

/** The first of the mistakes, in few words each, in characters that can be stored. A pointer that is too long is cut to the place around. */
export const brief = (violations: readonly Violation[]): Violation[] =>
  violations.slice(0, limits.violations).map(({ pointer, message }) => ({
    pointer: storableText(pointer.length <= limits.pathLength ? pointer : placeAround(pointer)),
    message: storableText(shortened(message, limits.messageLength)),
  }));

const placeAround = (pointer: string): string => pointer.slice(0, pointer.lastIndexOf('/', limits.pathLength));
