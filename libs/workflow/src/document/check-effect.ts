/** Checks of an `effect`: the types of its key and of what undoes it, and that waiting for it is bounded. */
import type { ValueType } from '../expression/types.js';
import { checkTaskInput } from './check-task-input.js';
import { report, TemplateChecker, type Findings, type Path, type Scope } from './check-templates.js';
import type { WorkerNode } from './graph-document.js';

/** What the compensation of an effect calls the effect's output. */
export const outputVariable = 'output';

export function checkEffect(findings: Findings, node: WorkerNode, path: Path, scope: Scope, output: ValueType): void {
  const { effect } = node;
  if (effect === undefined) return;
  const { idempotencyKey: key, compensate } = effect;
  if (node.timeout?.total === undefined && (key === undefined || compensate !== undefined)) {
    const why = 'An effect that has no key, or that is compensated, needs `timeout: {total}`';
    report(findings, [...path, 'timeout'], `${why}: what became of it may never be heard.`);
  }
  const at = [...path, 'effect'];
  if (key !== undefined) new TemplateChecker(findings, scope, [key]).expect(key, [...at, 'idempotencyKey'], 'string');
  if (compensate === undefined) return;
  const variables = { ...scope.variables, [outputVariable]: output };
  const checker = new TemplateChecker(findings, { ...scope, variables }, [compensate]);
  checker.check(compensate, [...at, 'compensate']);
  const call = { ...node, kind: 'tool', with: compensate } as const;
  for (const mistake of checkTaskInput(call, [...at, 'compensate'], checker.yields))
    report(findings, mistake.at, mistake.message);
}
