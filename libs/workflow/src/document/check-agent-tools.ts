/** Checks of the tools that an agent is granted: their names, what a model may fill in, and what it may not. */
import { jsonPointer } from '@millrace/contracts';
import type { Violation } from '@millrace/kernel';
import { z } from 'zod';
import { placePattern } from '../agent/fill-address.js';
import { scanText } from '../expression/scan.js';
import { typeOfSchema, type ValueType } from '../expression/types.js';
import { finishTool } from './agent-fields.js';
import { argumentsVariable, parametersOf, reservedToolNames, type DeclaredTool, type WorkTool } from './agent-tools.js';
import { assigneeHint, isAssignee } from './assignee.js';
import { checkInputSchema } from './check-input-schema.js';
import { checkTaken } from './check-task-input.js';
import { report, TemplateChecker, type Findings, type Path, type Scope } from './check-templates.js';
import type { AgentNode } from './graph-document.js';

/** Flaws of names, and of everything in which there are no expressions. */
export function flawsOfTools({ tools }: AgentNode, path: Path, findings: Findings): Violation[] {
  const names = tools.map((tool) => (typeof tool === 'string' ? tool : tool.name));
  return tools.flatMap((tool, index): Violation[] => {
    const place = [...path, index];
    const name = names[index] ?? '';
    const at = jsonPointer(typeof tool === 'string' ? place : [...place, 'name']);
    const flaws: Violation[] = [];
    if (name === finishTool)
      flaws.push({ pointer: at, message: `'${finishTool}' is how an agent ends: it is no tool that can be granted.` });
    else if (typeof tool !== 'string' && reservedToolNames.has(name))
      flaws.push({ pointer: at, message: `The steps of a call have the name '${name}': choose another.` });
    if (names.indexOf(name) < index) flaws.push({ pointer: at, message: 'This tool is named twice.' });
    return typeof tool === 'string' ? flaws : [...flaws, ...flawsOfTool(tool, place, findings)];
  });
}

function flawsOfTool(tool: DeclaredTool, place: Path, findings: Findings): Violation[] {
  const asked = typeof tool.requireApproval === 'object' ? (tool.requireApproval.assignees ?? []) : [];
  const assignees = asked.flatMap((assignee, index): Violation[] =>
    isAssignee(assignee)
      ? []
      : [{ pointer: jsonPointer([...place, 'requireApproval', 'assignees', index]), message: assigneeHint }],
  );
  if (tool.kind === 'subgraph') return assignees;
  const schema = checkInputSchema(tool.parameters, findings.defaultSchemas, [...place, 'parameters']);
  return [...assignees, ...schema, ...(tool.kind === 'http' ? flawsOfRequest(tool, place) : [])];
}

const scalarTypes: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean']);

/** A model chooses neither where a request goes nor what it does there: arguments are single segments and values of the address. */
function flawsOfRequest({ with: given, parameters }: WorkTool, place: Path): Violation[] {
  const flaws = (['url', 'method'] as const).flatMap((field): Violation[] => {
    const text = given[field];
    if (typeof text !== 'string' || !readsArguments(text)) return [];
    const way = field === 'url' ? ': write {name} where an argument goes into the address' : '';
    const message = `This may not read \`${argumentsVariable}\`${way}.`;
    return [{ pointer: jsonPointer([...place, 'with', field]), message }];
  });
  const url = given['url'];
  if (typeof url !== 'string') return flaws;
  const literal = literalOf(url);
  const pointer = jsonPointer([...place, 'with', 'url']);
  const before = /^[a-z]+:\/\/[^/?#]*/i.exec(literal)?.[0] ?? '';
  if (before.includes('{')) flaws.push({ pointer, message: 'The host of a request cannot be an argument.' });
  const { properties = {}, required = [] } = parameters;
  for (const name of new Set([...literal.matchAll(placePattern)].map(([, found = '']) => found))) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (schema === undefined) flaws.push({ pointer, message: `There is no parameter '${name}' for {${name}}.` });
    else if (!required.includes(name) || !scalarTypes.has(schema.type))
      flaws.push({ pointer, message: `{${name}} needs a required parameter that is a text, a number or a boolean.` });
  }
  return flaws;
}

const readsArguments = (text: string): boolean => {
  const scan = scanText(text);
  return scan.ok && scan.pieces.some((piece) => typeof piece !== 'string' && /\barguments\b/.test(piece.source));
};

/** A text without its expressions. */
function literalOf(text: string): string {
  const scan = scanText(text);
  return scan.ok ? scan.pieces.map((piece) => (typeof piece === 'string' ? piece : '')).join('') : '';
}

/** What the expressions of a tool see beside what those of its agent see. */
export function scopeOfTool(tool: DeclaredTool, scope: Scope): Scope {
  const schema = parametersOf(tool);
  const type: ValueType = schema === null ? { kind: 'any' } : typeOfSchema(schema);
  return { ...scope, variables: { ...scope.variables, [argumentsVariable]: type } };
}

/** Checks what a tool that is a graph fixes of its input. */
export function checkGraphTool(
  findings: Findings,
  tool: Extract<DeclaredTool, { kind: 'subgraph' }>,
  path: Path,
  scope: Scope,
): void {
  const checker = new TemplateChecker(findings, scope, [tool.with]);
  const place = [...path, 'with'];
  checker.check(tool.with, place);
  if (tool.pinned === undefined) return;
  const { name, document } = tool.pinned;
  // What is not fixed, the model fills in.
  const { required: _required, ...partly } = document.input;
  const input = z.fromJSONSchema(partly as z.core.JSONSchema.JSONSchema);
  const taker = { name: `The graph ${name}`, input, fields: Object.keys(partly.properties ?? {}) };
  for (const mistake of checkTaken(taker, tool.with, place, checker.yields))
    report(findings, mistake.at, mistake.message);
}
