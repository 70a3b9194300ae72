import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { limits } from '../limits.js';
import { isStorable, unstorableParts } from '../storable.js';

/** Keys by which a careless reader of a document could reach the prototypes of objects. No graph needs them. */
const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

interface Place {
  readonly value: unknown;
  readonly depth: number;
  /** Characters of the pointer to it. */
  readonly length: number;
  readonly key: string;
  readonly parent: Place | null;
}

/**
 * What keeps a value from being a document that the rest of the checks may walk by recursion: values that are no JSON, too
 * much, too deep (cycles too), keys that reach prototypes, texts that no database keeps. Walks without recursion; reports the first mistake.
 */
export function boundsOf(document: unknown): Violation[] {
  const open: Place[] = [{ value: document, depth: 0, length: 0, key: '', parent: null }];
  let values = 0;
  let characters = 0;
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, depth } = place;
    values += 1;
    characters += place.key.length + (typeof value === 'string' ? value.length : 0);
    if (values > limits.documentValues)
      return violation(null, `The document holds more than ${limits.documentValues} values.`);
    if (characters > limits.sourceLength)
      return violation(null, `The document is longer than ${limits.sourceLength} characters.`);
    if (depth > limits.documentDepth)
      return violation(place, `The document is nested deeper than ${limits.documentDepth} levels.`);
    if (place.length > limits.pathLength)
      return violation(place.parent, `The path to what stands here is longer than ${limits.pathLength} characters.`);
    if (refusedKeys.has(place.key)) return violation(place, `The key ${place.key} is not allowed.`);
    if (!isStorable(place.key) || (typeof value === 'string' && !isStorable(value)))
      return violation(place, `This text holds ${unstorableParts}.`);
    if (!isJson(value)) return violation(place, flawOf(value));
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      open.push({ value: inner, depth: depth + 1, length: place.length + 1 + key.length, key, parent: place });
    }
  }
  return [];
}

/** Whether a value is JSON, but for what is inside of it. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean';
  if (value === null) return true;
  if (Array.isArray(value)) return value.length <= limits.documentValues && Object.keys(value).length === value.length;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Object.getOwnPropertySymbols(value).length === 0;
}

const flawOf = (value: unknown): string =>
  typeof value === 'number' ? 'This number is none that JSON has, or too large for one.' : 'This is not JSON.';

function violation(place: Place | null, message: string): Violation[] {
  const path: string[] = [];
  for (let step = place; step?.parent; step = step.parent) path.unshift(step.key);
  return [{ pointer: jsonPointer(path), message }];
}
