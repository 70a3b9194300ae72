import { getRandomValues, hash } from 'node:crypto';
import { v7 } from 'uuid';

/** Random bytes are asked of the system for many ids at once: every message has one, and asking costs more than the rest. */
const pool = new Uint8Array(16 * 256);
let used = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * A new identifier: the prefix, an underscore and a UUIDv7 (RFC 9562) without dashes, so that ids sort by the time
 * of their making and say what they name, e.g. `run_019a3c…`.
 */
export function newId(prefix: string): string {
  if (used === pool.length) {
    getRandomValues(pool);
    used = 0;
  }
  const random = pool.subarray(used, (used += 16));
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
  } else sequence += 1;
  return `${prefix}_${v7({ random, msecs: lastMs, seq: sequence }).replaceAll('-', '')}`;
}

/** SHA-256 of a text (as UTF-8) or of bytes, in lower-case hexadecimal. */
export function sha256Hex(content: string | Uint8Array): string {
  return hash('sha256', content);
}
