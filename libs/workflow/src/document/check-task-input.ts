/** Checks the `with` of a worker's node against the input schema of its contract, as far as its values are known. */
import { jsonPointer, taskContracts, type TaskContract } from '@millrace/contracts';
import type { JsonValue } from '@millrace/kernel';
import type { z } from 'zod';
import { describeType, sampleOf, type ValueType } from '../expression/types.js';
import type { Path } from './check-templates.js';
import type { WorkerNode } from './graph-document.js';
import { taskInputOf } from './router-node.js';
import { suggester } from './suggestion.js';

interface Mistake {
  readonly at: Path;
  readonly message: string;
}

/** Who takes an input: the task of a worker, or a graph. */
interface Taker {
  readonly name: string;
  readonly input: z.ZodType;
  /** The names of its fields, where they are known. */
  readonly fields: readonly string[];
}

/** `yields` says, by pointer, what the expressions below `path` yield; a sample of that stands in for each. */
export function checkTaskInput(node: WorkerNode, path: Path, yields: ReadonlyMap<string, ValueType>): Mistake[] {
  const { taskKind, input }: TaskContract = taskContracts[node.kind];
  const fields = 'shape' in input ? Object.keys(input.shape as object) : [];
  return checkTaken({ name: `The task ${taskKind}`, input, fields }, taskInputOf(node), path, yields);
}

/** The same for whoever takes an input. */
export function checkTaken(
  taker: Taker,
  given: JsonValue,
  path: Path,
  yields: ReadonlyMap<string, ValueType>,
): Mistake[] {
  const parsed = taker.input.safeParse(withSamples(given, path, yields));
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => mistakesOf(taker, issue, path, yields));
}

function withSamples(value: JsonValue, path: Path, yields: ReadonlyMap<string, ValueType>): JsonValue {
  if (typeof value === 'string') {
    const type = yields.get(jsonPointer(path));
    return type ? sampleOf(type) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element, index) => withSamples(element, [...path, index], yields));
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withSamples(field, [...path, key], yields)]),
  );
}

function mistakesOf(
  { name, fields }: Taker,
  issue: z.core.$ZodIssue,
  path: Path,
  yields: ReadonlyMap<string, ValueType>,
): Mistake[] {
  const at = [...path, ...(issue.path as (string | number)[])];
  const type = yields.get(jsonPointer(at));
  if (type && type.kind !== 'any' && issue.code === 'invalid_type') {
    return [
      { at, message: `${name} expects ${issue.expected} here, but the expression yields ${describeType(type)}.` },
    ];
  }
  if (dependsOnExpression(at, yields)) return [];
  if (issue.code !== 'unrecognized_keys') return [{ at, message: messageOf(issue) }];
  const suggestion = suggester(issue.path.length === 0 ? fields : []);
  return issue.keys.map((key) => ({
    at: [...at, key],
    message: `${name} has no field '${key}'.${suggestion(key)}`,
  }));
}

const messageOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_type' && issue.input === undefined ? 'This field is required.' : issue.message;

/** Whether an issue is about a sample: at one, or inside of one. */
function dependsOnExpression(at: Path, yields: ReadonlyMap<string, ValueType>): boolean {
  return at.some((_step, index) => yields.has(jsonPointer(at.slice(0, index + 1))));
}
