/** The border between JSON and CEL values. */
import { MillraceError, type JsonValue } from '@millrace/kernel';
import { Optional } from '@marcbachmann/cel-js';
import { isStorable, unstorableParts } from '../storable.js';
import type { Meter } from './meter.js';

/** What an expression yields when an optional value is absent: its field or element is left out. */
export const absent = Symbol('absent');

const safeValues = new WeakMap<object, unknown>();

/**
 * A JSON value as CEL may read it: the value itself, but for objects with a key `constructor`, by which the library would
 * take them for a foreign class. Those become a Map, which it reads alike.
 * @throws MillraceError `value_too_deep`
 */
export function toCel(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  let safe = safeValues.get(value);
  if (safe === undefined) {
    safe = boundedDepth(() => withoutOwnConstructor(value));
    safeValues.set(value, safe);
  }
  return safe;
}

/** Walks a value by recursion. @throws MillraceError `value_too_deep` where the stack does not suffice */
export function boundedDepth<Result>(walk: () => Result): Result {
  try {
    return walk();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new MillraceError('too-large', 'value_too_deep', 'A value is nested too deeply.', { cause: error });
  }
}

function withoutOwnConstructor(value: JsonValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const elements = value.map(withoutOwnConstructor);
    return elements.some((element, index) => element !== value[index]) ? elements : value;
  }
  const entries = Object.entries(value).map(([key, field]) => [key, withoutOwnConstructor(field)] as const);
  if (Object.hasOwn(value, 'constructor')) return new Map(entries);
  if (entries.every(([key, field]) => field === value[key])) return value;
  return Object.fromEntries(entries);
}

/**
 * What CEL made, as JSON: integers become numbers, absent optionals `absent`. A value that needs no change is returned
 * itself, so large outputs are shared and not copied.
 * @throws MillraceError `not_json` for bytes, types, infinite numbers and integers beyond 2^53; `unstorable_text`
 */
export function fromCel(value: unknown, meter: Meter): JsonValue | typeof absent {
  meter.spend(1);
  switch (typeof value) {
    case 'string':
      meter.spendOn(value);
      return storable(value);
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
      throw notJson(`the number ${value}`);
    case 'bigint':
      return fromInteger(value);
    case 'object':
      return value === null ? null : fromObject(value, meter);
    case 'undefined':
    case 'function':
    case 'symbol':
      throw notJson(`a ${typeof value}`);
  }
}

function fromInteger(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw notJson(`the integer ${value}, which is beyond 2^53`);
}

function fromObject(value: object, meter: Meter): JsonValue | typeof absent {
  if (Array.isArray(value)) return fromList(value, meter);
  if (value instanceof Optional) return value.hasValue() ? fromCel(value.value(), meter) : absent;
  if (value instanceof Map) return fromEntries([...(value as Map<unknown, unknown>)], meter);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) throw notJson('a value of another type');
  const entries = Object.entries(value) as [string, unknown][];
  for (const [key] of entries) storable(key);
  const fields = entries.map(([, field]) => fromCel(field, meter));
  if (prototype !== null && fields.every((field, index) => field === entries[index]?.[1])) return value as JsonValue;
  return objectOf(entries.map(([key], index) => [key, fields[index] ?? null]));
}

function fromList(value: readonly unknown[], meter: Meter): JsonValue {
  const elements = value.map((element) => fromCel(element, meter));
  if (elements.every((element, index) => element === value[index])) return value as JsonValue;
  return elements.filter((element) => element !== absent);
}

function fromEntries(entries: [unknown, unknown][], meter: Meter): JsonValue {
  return objectOf(entries.map(([key, field]) => [storable(String(key)), fromCel(field, meter)]));
}

/** An object of entries, absent ones left out; safe for any key, `__proto__` included. */
export function objectOf(entries: readonly (readonly [string, JsonValue | typeof absent])[]): JsonValue {
  return Object.fromEntries(entries.filter((entry): entry is [string, JsonValue] => entry[1] !== absent));
}

/** Postgres refuses the events of a run that hold such a text, however often they are decided again. */
function storable(text: string): string {
  if (isStorable(text)) return text;
  throw new MillraceError('invalid', 'unstorable_text', `The expression yields a text with ${unstorableParts}.`);
}

const notJson = (what: string): MillraceError =>
  new MillraceError('invalid', 'not_json', `The expression yields ${what}; outputs must be JSON.`);
