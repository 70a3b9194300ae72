/**
 * Makes the evaluation of a CEL expression pay for its steps. The library bounds what is parsed, not what is evaluated, so
 * each syntax node's `evaluate` is wrapped; this is the one place that knows the library's inside (its version is pinned,
 * and the tests of this file fail when it changes).
 */
import type { Meter } from './meter.js';

type Evaluate = (evaluator: Evaluator, node: SyntaxNode, context: unknown) => unknown;

interface Evaluator {
  run(node: SyntaxNode, context: unknown): unknown;
  debugType(value: unknown): unknown;
  debugTypeDeep(value: unknown): unknown;
}

/** A syntax node as the library evaluates it: through `meta.alternate` (comprehensions) or `meta.macro`, where it has them. */
interface SyntaxNode {
  readonly op: string;
  readonly args: unknown;
  readonly left: SyntaxNode;
  readonly right: SyntaxNode;
  readonly meta: { evaluate: Evaluate; alternate?: SyntaxNode; macro?: { evaluate: Evaluate } };
  handle: (left: unknown, right: unknown, node: SyntaxNode, evaluator: Evaluator) => unknown;
  evaluate: Evaluate;
}

/** Characters that are compared in the time of one unit. */
const comparedPerUnit = 128;

/** Operators that may walk all of their operands. */
const comparisons: ReadonlySet<string> = new Set(['==', '!=', 'in']);

/** How deep the library may look into a value for the type in an overload or a message: it keeps each type it meets for good. */
const typeDepth = 4;

let current: Meter | undefined;

/** Evaluates an instrumented expression at the cost of a meter. Synchronous, so one meter at a time is the current one. */
export function evaluateMetered<Result>(meter: Meter, evaluate: () => Result): Result {
  const before = current;
  current = meter;
  try {
    return evaluate();
  } finally {
    current = before;
  }
}

/** Wraps every node below a parsed and checked expression. */
export function instrument(root: unknown): void {
  const seen = new Set<SyntaxNode>();
  const open = [root as SyntaxNode];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.meta.alternate) {
      open.push(node.meta.alternate);
    } else {
      node.evaluate = metered(node);
      if (node.op === 'rcall' && !node.meta.macro) payBeforeCall(node, nameOf(node));
      open.push(...childrenOf(node.args));
    }
  }
}

function childrenOf(args: unknown): SyntaxNode[] {
  if (isSyntaxNode(args)) return [args];
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  if (typeof args !== 'object' || args === null) return [];
  return Object.values(args).filter(isSyntaxNode);
}

const isSyntaxNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'meta' in value;

function metered(node: SyntaxNode): Evaluate {
  const { macro } = node.meta;
  const evaluate: Evaluate = macro
    ? (evaluator, _node, context) => macro.evaluate(evaluator, macro as never, context)
    : comparisons.has(node.op)
      ? compare
      : node.meta.evaluate;
  return (evaluator, self, context) => {
    current?.spend(1);
    boundTypes(evaluator);
    const value = evaluate(evaluator, self, context);
    current?.spendOn(value);
    return value;
  };
}

function compare(evaluator: Evaluator, node: SyntaxNode, context: unknown): unknown {
  const left = evaluator.run(node.left, context);
  const right = evaluator.run(node.right, context);
  if (typeof left === 'object') current?.spendOnAll(left);
  if (typeof right === 'object') current?.spendOnAll(right);
  return node.handle(left, right, node, evaluator);
}

const nameOf = ({ args }: SyntaxNode): unknown => (Array.isArray(args) ? args[0] : undefined);

/** Calls that do or make in one step far more than the size of what they are called on. */
function payBeforeCall(node: SyntaxNode, name: unknown): void {
  const { handle } = node;
  node.handle = (operands, ...rest) => {
    if (Array.isArray(operands)) payForCall(name, operands[0], operands[1]);
    return handle(operands, ...rest);
  };
}

/** Functions that look for one text in another. */
const searches: ReadonlySet<unknown> = new Set(['contains', 'indexOf', 'lastIndexOf', 'split']);

function payForCall(name: unknown, receiver: unknown, argument: unknown): void {
  if (!current) return;
  if (Array.isArray(receiver)) {
    payForElements(receiver, typeof argument === 'string' && name === 'join' ? argument.length : 0);
    if (name === 'distinctBy') for (const element of receiver) current.spendOnAll(element);
  }
  // At worst, a search compares all of what is looked for at each place.
  if (searches.has(name) && typeof receiver === 'string' && typeof argument === 'string')
    current.spend(Math.floor((receiver.length * argument.length) / comparedPerUnit));
  // All parts are made, even if few are asked for.
  if (name === 'split' && typeof receiver === 'string') current.spend(receiver.length >>> 3);
}

/** `separator`: the characters between two elements of a list that is joined. */
function payForElements(list: readonly unknown[], separator: number): void {
  if (!current) return;
  let elements = 0;
  let characters = separator * Math.max(0, list.length - 1);
  for (const element of list) {
    if (Array.isArray(element)) elements += element.length;
    else if (typeof element === 'string') characters += element.length;
  }
  current.spend(list.length >>> 2);
  current.spendOnSize(elements, characters);
}

const bounded = new WeakSet<Evaluator>();

function boundTypes(evaluator: Evaluator): void {
  if (bounded.has(evaluator)) return;
  bounded.add(evaluator);
  const look = evaluator.debugTypeDeep.bind(evaluator);
  let depth = 0;
  evaluator.debugTypeDeep = (value) => {
    if (depth >= typeDepth) return evaluator.debugType(value);
    depth += 1;
    try {
      return look(value);
    } finally {
      depth -= 1;
    }
  };
}
