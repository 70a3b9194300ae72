/** What expressions may use: CEL with the functions below, none of which can run long or reach outside. */
import { Environment } from '@marcbachmann/cel-js';
import { canonicalize } from '../document/canonical.js';
import { limits } from '../limits.js';
import { boundTypes } from './bounded-types.js';

/** CEL's own functions that expressions may call. Left out: `matches` (JavaScript's regular expressions may run for ever), bytes and time zones. */
const standardFunctions = [
  ...['has', 'size', 'string', 'int', 'double', 'bool', 'dyn', 'type'],
  ...['contains', 'startsWith', 'endsWith', 'lowerAscii', 'upperAscii', 'trim', 'indexOf', 'lastIndexOf'],
  ...['substring', 'split', 'join'],
  ...['all', 'exists', 'exists_one', 'map', 'filter', 'bind'],
  ...['of', 'none', 'hasValue', 'value', 'or', 'orValue'],
];
const ownFunctions = ['flatten', 'distinctBy', 'slice', 'sum', 'reverse'];

export const allowedFunctions: ReadonlySet<string> = new Set([...standardFunctions, ...ownFunctions]);

const options = { async: false };
type Numeric = number | bigint;

/**
 * What every environment is cloned from: one for running, and one for each graph that is checked, because the library keeps
 * what it found out of types with their operators. JSON numbers are CEL doubles, so doubles and integers mix freely.
 */
export const newStandardEnvironment = (): Environment =>
  withMixedNumbers(
    new Environment({
      unlistedVariablesAreDyn: false,
      homogeneousAggregateLiterals: false,
      enableOptionalTypes: true,
      limits: {
        maxAstNodes: limits.expressionNodes,
        maxDepth: limits.expressionDepth,
        maxListElements: 200,
        maxMapEntries: 200,
        maxCallArguments: 8,
      },
    })
      .registerFunction('list.flatten(): list', (list: unknown[]) => list.flat(1), options)
      .registerFunction('list.reverse(): list', (list: unknown[]) => list.toReversed(), options)
      .registerFunction('list.sum(): double', (list: Numeric[]) => list.reduce<number>(add, 0), options)
      .registerFunction(
        'list.slice(int, int): list',
        (list: unknown[], from: bigint, to: bigint) => list.slice(Number(from), Number(to)),
        options,
      )
      .registerFunction('list.distinctBy(string): list', distinctBy, options),
  );

export const standardEnvironment = newStandardEnvironment();
boundTypes(standardEnvironment);

function withMixedNumbers(environment: Environment): Environment {
  const arithmetic = {
    '+': (left: number, right: number) => left + right,
    '-': (left: number, right: number) => left - right,
    '*': (left: number, right: number) => left * right,
    '/': (left: number, right: number) => left / right,
    '%': (left: number, right: number) => left % right,
  };
  for (const [operator, apply] of Object.entries(arithmetic)) {
    const handler = (left: Numeric, right: Numeric) => apply(Number(left), Number(right));
    environment.registerOperator(`double ${operator} int: double`, handler);
    environment.registerOperator(`int ${operator} double: double`, handler);
  }
  environment.registerOperator('double % double: double', arithmetic['%']);
  return environment.registerOperator('double == int: bool', (left: number, right: bigint) => left === Number(right));
}

function add(sum: number, value: unknown): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Error('sum(): every element must be a number');
  return sum + Number(value);
}

/** The first element of each value of a field, in order. Elements without the field are kept. */
function distinctBy(list: unknown[], field: string): unknown[] {
  const seen = new Set<string>();
  return list.filter((element) => {
    const value = fieldOf(element, field);
    if (value === undefined) return true;
    const key = typeof value === 'string' ? `"${value}` : canonicalize(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function fieldOf(element: unknown, field: string): unknown {
  if (element instanceof Map) return element.get(field) as unknown;
  if (typeof element !== 'object' || element === null || !Object.hasOwn(element, field)) return undefined;
  return (element as Record<string, unknown>)[field];
}

const runtimeEnvironments = new Map<string, Environment>();

/** An environment in which these variables may have any type: for running what has been checked. */
export function runtimeEnvironment(variables: readonly string[]): Environment {
  const key = variables.join(' ');
  let environment = runtimeEnvironments.get(key);
  if (!environment) {
    environment = standardEnvironment.clone();
    for (const name of variables) environment.registerVariable(name, 'dyn');
    if (runtimeEnvironments.size > 100) runtimeEnvironments.clear();
    runtimeEnvironments.set(key, environment);
  }
  return environment;
}
