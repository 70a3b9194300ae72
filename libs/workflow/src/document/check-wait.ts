/** Checks of a `wait`: that it waits for one thing, for a bounded time, and that what is known of it is right. */
import { anyType, objectOfTypes, stringType, type ValueType } from '../expression/types.js';
import { limits } from '../limits.js';
import { report, TemplateChecker, type Findings, type Path, type Scope } from './check-templates.js';
import { durationHint, durationMs, durationPattern } from './duration.js';
import type { WaitNode } from './graph-document.js';
import { momentHint, momentOf } from './moment.js';

const signalType = objectOfTypes([
  ['name', stringType],
  ['data', anyType],
  ['receivedAt', stringType],
]);

/** Returns the type of the node's output. */
export function checkWait(findings: Findings, node: WaitNode, path: Path, scope: Scope): ValueType {
  const given = (['for', 'until', 'signal'] as const).filter((field) => node[field] !== undefined);
  if (given.length !== 1) report(findings, path, 'A wait has exactly one of `for`, `until` and `signal`.');
  if (node.for !== undefined) checkText(findings, scope, node.for, [...path, 'for'], flawOfDuration);
  if (node.until !== undefined) checkText(findings, scope, node.until, [...path, 'until'], flawOfMoment);
  if (node.signal === undefined) {
    if (node.timeout) report(findings, [...path, 'timeout'], 'Only a wait for a signal has a timeout.');
    return objectOfTypes([['until', stringType]]);
  }
  if (node.timeout === undefined)
    report(findings, [...path, 'timeout'], 'A wait for a signal needs `timeout: {total}`: the signal may never come.');
  const { filter } = node.signal;
  if (filter !== undefined) {
    const variables = { ...scope.variables, signal: signalType };
    const checker = new TemplateChecker(findings, { ...scope, variables }, [filter]);
    checker.expect(filter, [...path, 'signal', 'filter'], 'boolean');
  }
  return signalType;
}

/** Checks a text: by itself where it is none of expressions, else that the expression yields a text. */
function checkText(
  findings: Findings,
  scope: Scope,
  text: string,
  path: Path,
  flawOf: (text: string) => string | null,
): void {
  const checker = new TemplateChecker(findings, scope, [text]);
  checker.expect(text, path, 'string');
  const flaw = checker.yields.size === 0 ? flawOf(text) : null;
  if (flaw !== null) report(findings, path, flaw);
}

function flawOfDuration(text: string): string | null {
  if (!durationPattern.test(text)) return durationHint;
  return durationMs(text) > limits.waitMs ? 'A wait takes at most 366 days.' : null;
}

const flawOfMoment = (text: string): string | null => (momentOf(text) === null ? momentHint : null);
