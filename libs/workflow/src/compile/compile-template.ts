import type { JsonValue } from '@millrace/kernel';
import { parseTemplate, referencesIn } from '../expression/template.js';
import type { CompiledTemplate } from './compiled-graph.js';

/** @throws MillraceError `invalid_expression` */
export function compileTemplate(value: JsonValue, variables: readonly string[]): CompiledTemplate {
  const template = parseTemplate(value, variables);
  return { template, references: [...new Set(referencesIn(template))] };
}
