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
  const given = (['for', 'until', 'signal', 'event'] as const).filter((field) => node[field] !== undefined);
  if (given.length !== 1) report(findings, path, 'A wait has exactly one of `for`, `until`, `signal` and `event`.');
  if (node.for !== undefined) checkText(findings, scope, node.for, [...path, 'for'], flawOfDuration);
  if (node.until !== undefined) checkText(findings, scope, node.until, [...path, 'until'], flawOfMoment);
  const awaited = node.signal !== undefined ? 'signal' : node.event !== undefined ? 'event' : null;
  if (awaited === null) {
    if (node.timeout) report(findings, [...path, 'timeout'], 'Only a wait for a signal or an event has a timeout.');
    return objectOfTypes([['until', stringType]]);
  }
  if (node.timeout === undefined) {
    const message = `A wait for ${awaited === 'event' ? 'an' : 'a'} ${awaited} needs \`timeout: {total}\`: it may never come.`;
    report(findings, [...path, 'timeout'], message);
  }
  // What else an event says of itself is up to whoever publishes it.
  const type = awaited === 'signal' ? signalType : anyType;
  const filter = node[awaited]?.filter;
  if (filter !== undefined) {
    const checker = new TemplateChecker(findings, { ...scope, variables: { ...scope.variables, [awaited]: type } }, [
      filter,
    ]);
    checker.expect(filter, [...path, awaited, 'filter'], 'boolean');
  }
  return type;
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
