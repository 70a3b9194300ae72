/** Checks the expressions of one template: their syntax, what they read, and the types of what they yield. */
import { jsonPointer } from '@millrace/contracts';
import { MillraceError, type JsonValue, type Violation } from '@millrace/kernel';
import { standardEnvironment } from '../expression/environment.js';
import { parseWith } from '../expression/expression.js';
import { referencesOf, type References } from '../expression/references.js';
import { scanText } from '../expression/scan.js';
import { type Allowance, TypedEnvironment, TypedWork } from '../expression/typed-environment.js';
import { anyType, describeType, listOf, objectOfTypes, stringType, type ValueType } from '../expression/types.js';
import { limits } from '../limits.js';

export type Path = readonly (string | number)[];

/** What expressions at some place of a graph may read. */
export interface Scope {
  readonly variables: Readonly<Record<string, ValueType>>;
  /** The type of `nodes.<id>`, or why it cannot be read here. */
  readonly node: (id: string) => ValueType | { readonly refused: string };
}

/** The violations found so far, how many expressions were looked at, and what may still be done. */
export interface Findings {
  readonly violations: Violation[];
  expressions: number;
  readonly types: TypedWork;
  readonly defaultSchemas: Allowance;
}

export const newFindings = (): Findings => ({
  violations: [],
  expressions: 0,
  types: new TypedWork(limits.typedFields),
  defaultSchemas: { left: limits.defaultSchemas },
});

/** Whether as many violations were found as are reported; what follows need not be looked at. */
export const isFull = ({ violations }: Findings): boolean => violations.length >= limits.violations;

export function report(findings: Findings, path: Path, message: string): void {
  if (!isFull(findings)) findings.violations.push({ pointer: jsonPointer(path), message });
}

/** Checks templates of one node against the same scope. */
export class TemplateChecker {
  /** By pointer: what each expression or text with expressions yields. */
  readonly yields = new Map<string, ValueType>();
  #environment: TypedEnvironment | undefined;

  constructor(
    readonly findings: Findings,
    readonly scope: Scope,
    readonly templates: readonly (JsonValue | undefined)[],
  ) {}

  /** The type of what a template makes; every mistake in it is reported. */
  check(template: JsonValue, path: Path): ValueType {
    if (typeof template === 'string') return this.#checkText(template, path);
    if (template === null) return anyType;
    if (typeof template === 'number') return { kind: 'number' };
    if (typeof template === 'boolean') return { kind: 'boolean' };
    if (Array.isArray(template)) {
      const types = template.map((element, index) => this.check(element, [...path, index]));
      return listOf(types.length === 1 ? (types[0] ?? anyType) : anyType);
    }
    return objectOfTypes(Object.entries(template).map(([key, field]) => [key, this.check(field, [...path, key])]));
  }

  /** Checks a template whose value must be of a type. */
  expect(template: JsonValue, path: Path, kind: 'boolean' | 'number' | 'list' | 'string'): ValueType {
    const type = this.check(template, path);
    if (type.kind !== kind && type.kind !== 'any') {
      report(this.findings, path, `This must yield a ${kind}, but it yields ${describeType(type)}.`);
    }
    return type;
  }

  /** Made for the first expression: most templates have none. */
  #typed(): TypedEnvironment {
    if (this.#environment) return this.#environment;
    const ids = new Set(this.templates.flatMap((template) => referencesInValue(template ?? null)));
    const nodes = [...ids].map((id): [string, ValueType] => {
      const node = this.scope.node(id);
      return [id, 'refused' in node ? anyType : node];
    });
    const variables = { ...this.scope.variables, nodes: objectOfTypes(nodes) };
    this.#environment = new TypedEnvironment(variables, this.findings.types);
    return this.#environment;
  }

  #checkText(text: string, path: Path): ValueType {
    const scan = scanText(text);
    if (!scan.ok) {
      report(this.findings, path, scan.message);
      return anyType;
    }
    const types = scan.pieces.map((piece) =>
      typeof piece === 'string' ? stringType : this.#checkExpression(piece.source, path),
    );
    const whole = scan.pieces.length === 1 ? types[0] : undefined;
    const type = whole ?? stringType;
    if (scan.pieces.some((piece) => typeof piece !== 'string')) this.yields.set(jsonPointer(path), type);
    const unfit = whole === undefined && types.find(({ kind }) => kind === 'list' || kind === 'object');
    if (unfit) report(this.findings, path, `${describeType(unfit)} cannot stand inside of a text.`);
    return type;
  }

  #checkExpression(source: string, path: Path): ValueType {
    const { findings } = this;
    findings.expressions += 1;
    if (findings.expressions > limits.expressions || isFull(findings)) return anyType;
    try {
      const references = referencesOf(parseWith(standardEnvironment, source).ast);
      const refusals = this.#refusalsOf(references);
      for (const refusal of refusals) report(findings, path, refusal);
      return refusals.length > 0 ? anyType : this.#typed().check(source);
    } catch (error) {
      const message = error instanceof MillraceError ? error.message : 'The expression is nested too deeply.';
      report(findings, path, `${message}`);
      return anyType;
    }
  }

  #refusalsOf({ ids, dynamic }: References): string[] {
    const refusals = ids.flatMap((id) => {
      const node = this.scope.node(id);
      return 'refused' in node ? [node.refused] : [];
    });
    if (dynamic) refusals.push('Nodes are read by name: nodes.<id> or nodes["<id>"].');
    return refusals;
  }
}

/** The ids of nodes that the expressions of a template read; those that do not parse read none. */
function referencesInValue(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesInValue);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(referencesInValue);
  const scan = typeof value === 'string' ? scanText(value) : null;
  if (!scan?.ok) return [];
  return scan.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : referencesInSource(piece.source)));
}

function referencesInSource(source: string): readonly string[] {
  try {
    return referencesOf(parseWith(standardEnvironment, source).ast).ids;
  } catch {
    return [];
  }
}

/** Whether a name can be a variable of expressions: it is none of CEL's words, types or constants. */
export function isVariableName(name: string): boolean {
  try {
    return parseWith(standardEnvironment, name).ast.op === 'id' && !standardEnvironment.hasVariable(name);
  } catch {
    return false;
  }
}
