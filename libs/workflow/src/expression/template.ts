/** JSON with expressions in its texts. A text that is exactly one expression yields its value; other texts are filled in. */
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { invalidExpression, parseExpression, type Expression, type Variables } from './expression.js';
import type { Meter } from './meter.js';
import { scanText } from './scan.js';
import { absent, boundedDepth, fromCel, objectOf } from './values.js';

export type Template =
  | { readonly kind: 'literal'; readonly value: JsonValue }
  | { readonly kind: 'expression'; readonly expression: Expression }
  | { readonly kind: 'text'; readonly pieces: readonly (string | Expression)[] }
  | { readonly kind: 'list'; readonly elements: readonly Template[] }
  | { readonly kind: 'object'; readonly fields: readonly (readonly [string, Template])[] };

/**
 * Parses every expression of a JSON value. Parts without expressions stay as they are.
 * @throws MillraceError `invalid_expression`
 */
export function parseTemplate(value: JsonValue, variables: readonly string[]): Template {
  if (typeof value === 'string') return parseText(value, variables);
  if (typeof value !== 'object' || value === null) return { kind: 'literal', value };
  if (Array.isArray(value)) {
    const elements = value.map((element) => parseTemplate(element, variables));
    return elements.every(isLiteral) ? { kind: 'literal', value: elements.map(literalOf) } : { kind: 'list', elements };
  }
  const fields = Object.entries(value).map(([key, field]) => [key, parseTemplate(field, variables)] as const);
  if (!fields.every(([, field]) => isLiteral(field))) return { kind: 'object', fields };
  return { kind: 'literal', value: objectOf(fields.map(([key, field]) => [key, literalOf(field)])) };
}

function parseText(text: string, variables: readonly string[]): Template {
  const scan = scanText(text);
  if (!scan.ok) throw invalidExpression(scan.message);
  const pieces = scan.pieces.map((piece) =>
    typeof piece === 'string' ? piece : parseExpression(piece.source, variables),
  );
  const [first] = pieces;
  if (pieces.length > 1 || first === undefined) return { kind: 'text', pieces };
  return typeof first === 'string' ? { kind: 'literal', value: first } : { kind: 'expression', expression: first };
}

const isLiteral = (template: Template): template is Extract<Template, { kind: 'literal' }> =>
  template.kind === 'literal';
const literalOf = (template: Template): JsonValue => (template.kind === 'literal' ? template.value : null);

/** The nodes that a template reads. */
export function referencesIn(template: Template): string[] {
  switch (template.kind) {
    case 'literal':
      return [];
    case 'expression':
      return [...template.expression.references];
    case 'text':
      return template.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : piece.references));
    case 'list':
      return template.elements.flatMap(referencesIn);
    case 'object':
      return template.fields.flatMap(([, field]) => referencesIn(field));
  }
}

/**
 * The JSON that a template makes of these variables; null for an optional value that is absent.
 * @throws MillraceError of an expression that fails
 */
export function resolve(template: Template, variables: Variables, meter: Meter): JsonValue {
  meter.beginTemplate();
  const value = boundedDepth(() => resolveAny(template, variables, meter));
  return value === absent ? null : value;
}

function resolveAny(template: Template, variables: Variables, meter: Meter): JsonValue | typeof absent {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'expression':
      return fromCel(template.expression.evaluate(variables, meter), meter);
    case 'text':
      return resolveText(template.pieces, variables, meter);
    case 'list':
      return template.elements
        .map((element) => resolveAny(element, variables, meter))
        .filter((element) => element !== absent);
    case 'object':
      return objectOf(template.fields.map(([key, field]) => [key, resolveAny(field, variables, meter)]));
  }
}

function resolveText(pieces: readonly (string | Expression)[], variables: Variables, meter: Meter): string {
  const text = pieces
    .map((piece) =>
      typeof piece === 'string' ? piece : asText(piece, fromCel(piece.evaluate(variables, meter), meter)),
    )
    .join('');
  meter.spendOn(text);
  return text;
}

function asText(expression: Expression, value: JsonValue | typeof absent): string {
  if (value === absent) return '';
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  const what = value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
  throw new MillraceError(
    'invalid',
    'expression_failed',
    `\${{ ${expression.source} }} yields ${what}, which cannot stand inside of a text: make a string of it, or let it be the whole value.`,
  );
}
