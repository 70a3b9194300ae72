/** What is known of a value before it exists: for checking expressions when a graph is published. */
import type { JsonValue } from '@millrace/kernel';
import { z } from 'zod';

/** `any` where nothing is known. `integer` is for the engine's own counters: numbers in JSON are CEL doubles, even if whole. */
export type ValueType =
  | { readonly kind: 'any' | 'string' | 'number' | 'integer' | 'boolean' }
  | { readonly kind: 'list'; readonly element: ValueType }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, ValueType> };

export const anyType: ValueType = { kind: 'any' };
export const stringType: ValueType = { kind: 'string' };
export const integerType: ValueType = { kind: 'integer' };
const numberType: ValueType = { kind: 'number' };
const booleanType: ValueType = { kind: 'boolean' };

export const listOf = (element: ValueType): ValueType => ({ kind: 'list', element });
export const objectOfTypes = (fields: Iterable<readonly [string, ValueType]>): ValueType => ({
  kind: 'object',
  fields: new Map(fields),
});

/** The part of JSON Schema that says what type a value has. */
interface TypeSchema {
  readonly type?: unknown;
  readonly items?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
}

const maximumDepth = 12;

/** The type that a JSON Schema describes; `any` for what it leaves open, such as alternatives. */
export function typeOfSchema(schema: unknown, depth = 0): ValueType {
  if (typeof schema !== 'object' || schema === null || depth > maximumDepth) return anyType;
  const { type, items, properties } = schema as TypeSchema;
  switch (type) {
    case 'string':
      return stringType;
    case 'number':
    case 'integer':
      return numberType;
    case 'boolean':
      return booleanType;
    case 'array':
      return listOf(typeOfSchema(items, depth + 1));
    case 'object':
      if (properties === undefined) return anyType;
      return objectOfTypes(Object.entries(properties).map(([key, field]) => [key, typeOfSchema(field, depth + 1)]));
    default:
      return anyType;
  }
}

const ofContracts = new WeakMap<z.ZodType, ValueType>();

/** The type that a contract's schema describes. */
export function typeOfZod(schema: z.ZodType): ValueType {
  const known = ofContracts.get(schema);
  if (known) return known;
  const type = typeOfSchema(z.toJSONSchema(schema, { unrepresentable: 'any' }));
  ofContracts.set(schema, type);
  return type;
}

/** A value of a type, for trying it out against a schema. */
export function sampleOf(type: ValueType): JsonValue {
  switch (type.kind) {
    case 'any':
    case 'string':
      return '';
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'list':
      return [];
    case 'object':
      return {};
  }
}

/** How a type is called in a message. */
export function describeType(type: ValueType): string {
  switch (type.kind) {
    case 'any':
      return 'any value';
    case 'list':
      return 'a list';
    case 'object':
      return 'an object';
    case 'integer':
      return 'a number';
    case 'string':
    case 'number':
    case 'boolean':
      return `a ${type.kind}`;
  }
}
