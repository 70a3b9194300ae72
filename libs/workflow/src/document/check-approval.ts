/** Checks of an `approval`: its words, who decides, the form, and the deadline. */
import { objectOfTypes, stringType, typeOfSchema, type ValueType } from '../expression/types.js';
import { assigneeHint, isAssignee } from './assignee.js';
import { checkInputSchema } from './check-input-schema.js';
import { isFull, report, TemplateChecker, type Findings, type Path, type Scope } from './check-templates.js';
import type { ApprovalNode } from './graph-document.js';

/** Returns the type of the node's output. */
export function checkApproval(findings: Findings, node: ApprovalNode, path: Path, scope: Scope): ValueType {
  const checker = new TemplateChecker(findings, scope, [node.title, node.with, node.assignees]);
  checker.expect(node.title, [...path, 'title'], 'string');
  checker.check(node.with, [...path, 'with']);
  node.assignees.forEach((assignee, index) => {
    const place = [...path, 'assignees', index];
    const seen = checker.yields.size;
    checker.expect(assignee, place, 'string');
    if (checker.yields.size === seen && !isAssignee(assignee)) report(findings, place, assigneeHint);
  });
  for (const { pointer, message } of checkInputSchema(node.form, findings.defaultSchemas, [...path, 'form'])) {
    if (!isFull(findings)) findings.violations.push({ pointer, message });
  }
  return objectOfTypes([
    ['decision', stringType],
    ['data', typeOfSchema(node.form)],
    ['by', stringType],
    ['decidedAt', stringType],
  ]);
}
