/** Type-checks expressions against variables of known types, by the type checker of the CEL library. */
import type { Environment } from '@marcbachmann/cel-js';
import { newStandardEnvironment } from './environment.js';
import { invalidExpression, parseWith } from './expression.js';
import { anyType, listOf, type ValueType } from './types.js';

/** To declare a type takes as much time as to declare so many fields. */
const fieldsOfOne = 8;
/** Object types and their fields that are declared for one check; what goes beyond is of any type, which bounds the time. */
const maximumFields = 1_000;

/** What may still be done for a graph. */
export interface Allowance {
  left: number;
}

/** What the checks of one graph's expressions share. */
export class TypedWork implements Allowance {
  #environment: Environment | undefined;

  constructor(public left: number) {}

  get environment(): Environment {
    return (this.#environment ??= newStandardEnvironment());
  }
}

export class TypedEnvironment {
  readonly #environment: Environment;
  readonly #declared = new Map<string, ValueType>();
  readonly #names = new Map<ValueType, string>();
  #fieldsLeft = maximumFields;

  /** Declaring a field takes time, so that all environments for one graph share what may be spent. */
  constructor(
    variables: Readonly<Record<string, ValueType>>,
    private readonly work: TypedWork,
  ) {
    this.#environment = work.environment.clone();
    for (const [name, type] of Object.entries(variables)) {
      this.#environment.registerVariable(name, this.#nameOf(type));
    }
  }

  /**
   * The type that an expression yields.
   * @throws MillraceError `invalid_expression`
   */
  check(source: string): ValueType {
    const checked = parseWith(this.#environment, source).check();
    if (!checked.valid) throw invalidExpression(checked.error?.summary ?? 'The types do not fit.');
    return this.#typeNamed(checked.type ?? 'dyn');
  }

  /** The library's name of a type. Object types are numbered alike in every environment, because the library keeps names for good. */
  #nameOf(type: ValueType): string {
    switch (type.kind) {
      case 'any':
        return 'dyn';
      case 'string':
        return 'string';
      case 'number':
        return 'double';
      case 'integer':
        return 'int';
      case 'boolean':
        return 'bool';
      case 'list':
        return `list<${this.#nameOf(type.element)}>`;
      case 'object':
        return this.#names.get(type) ?? this.#declare(type);
    }
  }

  #declare(type: Extract<ValueType, { kind: 'object' }>): string {
    this.#fieldsLeft -= 1 + type.fields.size;
    this.work.left -= fieldsOfOne + type.fields.size;
    if (this.#fieldsLeft < 0 || this.work.left < 0) return 'dyn';
    const fields = Object.fromEntries([...type.fields].map(([key, field]) => [key, this.#nameOf(field)]));
    const name = `Object${this.#declared.size}`;
    this.#environment.registerType(name, { fields });
    this.#declared.set(name, type);
    this.#names.set(type, name);
    return name;
  }

  #typeNamed(name: string): ValueType {
    const wrapped = /^(list|optional|dyn)<(.+)>$/.exec(name);
    if (wrapped?.[1] === 'list') return listOf(this.#typeNamed(wrapped[2] ?? ''));
    if (wrapped) return this.#typeNamed(wrapped[2] ?? '');
    switch (name) {
      case 'string':
        return { kind: 'string' };
      case 'int':
      case 'double':
        return { kind: 'number' };
      case 'bool':
        return { kind: 'boolean' };
      case 'list':
        return listOf(anyType);
      default:
        return this.#declared.get(name) ?? anyType;
    }
  }
}
