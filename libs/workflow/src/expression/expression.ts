/** One CEL expression, parsed once and evaluated many times. */
import { MillraceError } from '@millrace/kernel';
import { EvaluationError, type Environment, ParseError } from '@marcbachmann/cel-js';
import { limits } from '../limits.js';
import { shortened } from '../shortened.js';
import { runtimeEnvironment } from './environment.js';
import { evaluateMetered, instrument } from './metering.js';
import type { Meter } from './meter.js';
import { forbiddenCall, referencesOf } from './references.js';

/** The variables of an expression, as CEL values. Without prototype, so that a name reaches nothing but what was put in. */
export type Variables = Readonly<Record<string, unknown>>;

export interface Expression {
  readonly source: string;
  /** The nodes it reads: the ids in `nodes.<id>` and `nodes["<id>"]`. */
  readonly references: readonly string[];
  /**
   * Evaluates to a CEL value.
   * @throws MillraceError `expression_failed`, `expression_too_expensive`, `value_too_large`
   */
  readonly evaluate: (variables: Variables, meter: Meter) => unknown;
}

/**
 * Parses an expression for running it.
 * @throws MillraceError `invalid_expression`: what is wrong with it
 */
export function parseExpression(source: string, variables: readonly string[]): Expression {
  const parsed = parseWith(runtimeEnvironment(variables), source);
  const checked = parsed.check();
  if (!checked.valid) throw invalidExpression(checked.error?.summary ?? 'It does not type-check.');
  instrument(parsed.ast);
  return {
    source,
    references: referencesOf(parsed.ast).ids,
    evaluate: (values, meter) => evaluate(source, () => evaluateMetered(meter, () => parsed(values) as unknown)),
  };
}

/** Parses within the bounds of expressions. @throws MillraceError `invalid_expression` */
export function parseWith(environment: Environment, source: string): ReturnType<Environment['parse']> {
  if (source === '') throw invalidExpression('The expression is empty.');
  if (source.length > limits.expressionLength) {
    throw invalidExpression(`The expression is longer than ${limits.expressionLength} characters.`);
  }
  const parsed = parseOrExplain(environment, source);
  const forbidden = forbiddenCall(parsed.ast);
  if (forbidden !== undefined) throw invalidExpression(`The function ${forbidden}() is not available in expressions.`);
  return parsed;
}

function parseOrExplain(environment: Environment, source: string): ReturnType<Environment['parse']> {
  try {
    return environment.parse(source);
  } catch (error) {
    if (error instanceof ParseError) throw invalidExpression(`${error.summary}${hint(error)}`);
    throw invalidExpression('The expression is nested too deeply.');
  }
}

const hint = (error: ParseError): string =>
  error.code === 'reserved_identifier' ? ' (a reserved word of CEL; use ["name"] to read a field of that name)' : '';

export const invalidExpression = (message: string): MillraceError =>
  new MillraceError('invalid', 'invalid_expression', message);

function evaluate(source: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    const reason = error instanceof EvaluationError ? error.summary : explain(error);
    // The library's words quote whatever value it was, in full.
    throw new MillraceError(
      'invalid',
      'expression_failed',
      `${shortened(reason, 500)} in \${{ ${shortened(source, 200)} }}`,
      {
        cause: error,
      },
    );
  }
}

const explain = (error: unknown): string =>
  error instanceof RangeError ? 'A value is too large or nested too deeply' : 'The expression cannot be evaluated';
