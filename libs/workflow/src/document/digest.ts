import { sha256Hex, type JsonObject } from '@millrace/kernel';
import { canonicalize } from './canonical.js';

/** Names a version of a graph: the SHA-256 of its canonical JSON, in hexadecimal. Layout, comments and the order of keys do not matter. */
export function digestOf(document: JsonObject): string {
  return sha256Hex(canonicalize(document));
}
