import type { JsonObject } from '@millrace/kernel';
import { stringify } from 'yaml';

/** A graph document as text that `parseGraphSource` reads: YAML, without references, lines as long as they are. */
export const writeGraphSource = (document: JsonObject): string =>
  stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 });
