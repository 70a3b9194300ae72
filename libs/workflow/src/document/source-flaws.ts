/** What a text says and a value cannot: keys that stand twice, and numbers that no program keeps as they are written. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { isCollection, isMap, isScalar, type LineCounter, type Scalar } from 'yaml';
import { limits } from '../limits.js';
import { shortened } from '../shortened.js';

interface Place {
  readonly node: unknown;
  readonly step: string | number;
  readonly parent: Place | null;
}

const integer = /^[-+]?[0-9]+$/;

/** Walks without recursion, and in time that grows with the text only. (The parser's own check for keys is quadratic.) */
export function flawsOf(contents: unknown, lines: LineCounter): Violation[] {
  const violations: Violation[] = [];
  const open: Place[] = [{ node: contents, step: '', parent: null }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (violations.length >= limits.violations) break;
    if (isScalar(place.node)) violations.push(...inexactNumber(place, place.node, lines));
    // The last goes in first, so that mistakes come out in the order of the text.
    else open.push(...insideOf(place, violations, lines).toReversed());
  }
  return violations;
}

function insideOf(place: Place, violations: Violation[], lines: LineCounter): Place[] {
  const { node } = place;
  if (!isCollection(node)) return [];
  if (!isMap(node)) return node.items.map((item, index) => ({ node: item, step: index, parent: place }));
  const seen = new Set<string>();
  return node.items.map(({ key, value }) => {
    const step = isScalar(key) ? String(key.value) : '';
    const inside = { node: value, step, parent: place };
    if (isScalar(key) && seen.has(step)) {
      const message = `The key ${shortened(step, 100)} stands twice (${lineOf(key, lines)})`;
      if (violations.length < limits.violations) violations.push({ pointer: pointerTo(inside), message });
    }
    seen.add(step);
    return inside;
  });
}

/** A double holds integers up to 2^53, and some beyond: in place of the others, another number would be stored than was written. */
function inexactNumber(place: Place, { value, source = '', ...scalar }: Scalar, lines: LineCounter): Violation[] {
  if (typeof value !== 'number' || !integer.test(source) || isKept(value, source)) return [];
  const message = `The number ${shortened(source, 40)} is beyond 2^53 and would not be kept exactly: write it as a text (${lineOf(scalar, lines)})`;
  return [{ pointer: pointerTo(place), message }];
}

/** Whether a number is what was written, or what was written is how the number is printed. */
function isKept(value: number, source: string): boolean {
  if (Number.isSafeInteger(value)) return true;
  return Number.isFinite(value) && (String(value) === source || BigInt(value) === BigInt(source.replace('+', '')));
}

function lineOf({ range }: Pick<Scalar, 'range'>, lines: LineCounter): string {
  return `line ${range ? lines.linePos(range[0]).line : '?'}`;
}

function pointerTo(place: Place): string {
  const path: (string | number)[] = [];
  for (let at = place; at.parent !== null; at = at.parent) path.unshift(at.step);
  return jsonPointer(path);
}
