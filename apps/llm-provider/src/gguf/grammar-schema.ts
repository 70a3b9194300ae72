/**
 * A JSON Schema in the words that the library makes a grammar of. What the grammar allows fits the schema as far as the two can
 * be compared: every property is written, none besides where the schema names some, and bounds of numbers and patterns are left
 * to whoever checks the answer. Alternatives become one of them; what forbids is refused.
 */
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { providerError } from '../providers/provider-error.js';

const deepest = 64;
/** These say what must not be, or hold under conditions: a grammar cannot. */
const refused = ['not', 'if', 'allOf', 'dependentSchemas', 'patternProperties', 'unevaluatedProperties'] as const;
const scalarTypes: ReadonlySet<JsonValue> = new Set(['string', 'number', 'integer', 'boolean', 'null']);
const formats: ReadonlySet<JsonValue | undefined> = new Set(['date-time', 'time', 'date']);
const localReference = /^#\/(?:\$defs|definitions)\/([^/]+)$/;

export const anyObject: JsonObject = { type: 'object', additionalProperties: true };

/** @throws MillraceError `provider_rejected_request` where no grammar says what the schema does */
export function grammarSchema(schema: JsonObject): JsonObject {
  const definitions = { ...objectOf(schema['definitions']), ...objectOf(schema['$defs']) };
  const names = new Set(Object.keys(definitions));
  const root = translate(schema, names, 0);
  if (names.size === 0) return root;
  return { ...root, $defs: each(definitions, (definition) => translate(definition, names, 1)) };
}

function translate(schema: JsonValue, names: ReadonlySet<string>, depth: number): JsonObject {
  if (depth > deepest) throw rejected('it is nested too deeply');
  if (schema === true || isEmpty(schema)) return anything;
  if (!isObject(schema)) throw rejected('a part of it is no schema');
  const forbidding = refused.find((word) => word in schema);
  if (forbidding !== undefined) throw rejected(`it uses ${forbidding}`);
  const inner = (part: JsonValue): JsonObject => translate(part, names, depth + 1);
  if (typeof schema['$ref'] === 'string') return reference(schema['$ref'], names);
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) return { oneOf: alternatives.map(inner) };
  if ('const' in schema) return literals([schema['const'] ?? null]);
  if (Array.isArray(schema['enum'])) return literals(schema['enum']);
  const type = schema['type'] ?? impliedType(schema);
  if (Array.isArray(type))
    return type.every((each) => scalarTypes.has(each))
      ? { type }
      : { oneOf: type.map((each) => inner({ ...schema, type: each })) };
  if (type === 'object') return object(schema, inner);
  if (type === 'array') return list(schema, inner);
  if (type === 'string') return string(schema);
  if (type !== undefined && scalarTypes.has(type)) return { type };
  return anything;
}

function object(schema: JsonObject, inner: (part: JsonValue) => JsonObject): JsonObject {
  const properties = objectOf(schema['properties']);
  const more = schema['additionalProperties'];
  if (Object.keys(properties).length > 0) return { type: 'object', properties: each(properties, inner) };
  const counts = only(schema, ['minProperties', 'maxProperties']);
  if (more === false) return { type: 'object', properties: {} };
  return { type: 'object', additionalProperties: isObject(more) && !isEmpty(more) ? inner(more) : true, ...counts };
}

function list(schema: JsonObject, inner: (part: JsonValue) => JsonObject): JsonObject {
  const first = schema['prefixItems'];
  const items = schema['items'];
  if (Array.isArray(first) && items === false)
    return { type: 'array', prefixItems: first.map(inner), minItems: first.length, maxItems: first.length };
  return {
    type: 'array',
    items: items === undefined ? anything : inner(items),
    ...(Array.isArray(first) && { prefixItems: first.map(inner) }),
    ...only(schema, ['minItems', 'maxItems']),
  };
}

function string(schema: JsonObject): JsonObject {
  const format = schema['format'];
  if (format !== undefined && formats.has(format)) return { type: 'string', format };
  return { type: 'string', ...only(schema, ['minLength', 'maxLength']) };
}

function literals(values: readonly JsonValue[]): JsonObject {
  if (values.length === 0 || values.some((value) => typeof value === 'object' && value !== null))
    throw rejected('it names lists or objects as the only values');
  return { enum: [...values] };
}

function reference(to: string, names: ReadonlySet<string>): JsonObject {
  const name = localReference.exec(to)?.[1];
  if (name === undefined || !names.has(name)) throw rejected(`it refers to ${to.slice(0, 100)}`);
  return { $ref: `#/$defs/${name}` };
}

/** Any value; deeper ones are left to objects and lists within. */
const anything: JsonObject = {
  oneOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'object', additionalProperties: true },
    { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } },
  ],
};

const impliedType = (schema: JsonObject): JsonValue | undefined =>
  'properties' in schema ? 'object' : 'items' in schema || 'prefixItems' in schema ? 'array' : undefined;

const only = (schema: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(names.flatMap((name) => (typeof schema[name] === 'number' ? [[name, schema[name]]] : [])));

const each = (parts: JsonObject, make: (part: JsonValue) => JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, make(part)]));

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmpty = (value: JsonValue): boolean => isObject(value) && Object.keys(value).length === 0;
const objectOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});

const rejected = (why: string) =>
  providerError('provider_rejected_request', `The local model cannot be held to this JSON Schema: ${why}.`);
