import { createHash } from 'node:crypto';
import { v7 } from 'uuid';

/**
 * A new identifier: the prefix, an underscore and a UUIDv7 (RFC 9562) without dashes, so that ids sort by the time
 * of their making and say what they name, e.g. `run_019a3c…`.
 */
export function newId(prefix: string): string {
  return `${prefix}_${v7().replaceAll('-', '')}`;
}

/** SHA-256 of a text (as UTF-8) or of bytes, in lower-case hexadecimal. */
export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
