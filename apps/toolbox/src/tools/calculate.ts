import { MillraceError } from '@millrace/kernel';
import { z } from 'zod';
import { defineTool } from './tool.js';

/** For models, which are bad at it. */
export const calculate = defineTool({
  name: 'calculate',
  description: 'Computes an arithmetic expression of numbers, + - * / % ^ and parentheses.',
  arguments: z.strictObject({ expression: z.string().min(1).max(1_000) }),
  // A rejected promise rather than a throw.
  execute: async ({ expression }) => Promise.resolve({ expression, value: valueOf(expression) }),
});

/** Levels of parentheses, signs and powers. */
const deepest = 100;
const token = /\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[-+*/%^()])/y;

/** @throws MillraceError `invalid_arguments` */
export function valueOf(expression: string): number {
  const tokens = tokensOf(expression);
  let at = 0;
  let depth = 0;

  const sum = (): number => {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-')
      value = tokens[at++] === '+' ? value + product() : value - product();
    return value;
  };
  const product = (): number => {
    let value = signed();
    for (let sign = tokens[at]; sign === '*' || sign === '/' || sign === '%'; sign = tokens[at]) {
      at += 1;
      const right = signed();
      value = sign === '*' ? value * right : sign === '/' ? value / right : value % right;
    }
    return value;
  };
  const signed = (): number => {
    depth += 1;
    if (depth > deepest) throw wrong('is nested too deeply');
    const sign = tokens[at];
    if (sign === '-' || sign === '+') at += 1;
    const value = sign === '-' ? -signed() : sign === '+' ? signed() : power();
    depth -= 1;
    return value;
  };
  const power = (): number => {
    const base = atom();
    if (tokens[at] !== '^') return base;
    at += 1;
    return base ** signed();
  };
  const atom = (): number => {
    const next = tokens[at++];
    if (next === '(') {
      const value = sum();
      if (tokens[at++] !== ')') throw wrong('lacks a closing parenthesis');
      return value;
    }
    if (next === undefined || !/^\d/.test(next)) throw wrong(`has ${next ?? 'its end'} where a number should be`);
    return Number(next);
  };

  const value = sum();
  if (at < tokens.length) throw wrong(`has ${tokens[at] ?? ''} where it should end`);
  if (!Number.isFinite(value)) throw wrong('has no finite value');
  return value;
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  const text = expression.trimEnd();
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const from = token.lastIndex;
    const [, found] = token.exec(text) ?? [];
    if (found === undefined) throw wrong(`has something at character ${from + 1} that is no arithmetic`);
    tokens.push(found);
  }
  return tokens;
}

const wrong = (what: string): MillraceError =>
  new MillraceError('invalid', 'invalid_arguments', `The expression ${what}.`, {
    violations: [{ pointer: '/arguments/expression', message: what }],
  });
