/**
 * Bounds the types that the CEL library makes while it checks expressions: it keeps each for good, in the whole process, and
 * there would be another for every shape of nested literals that anybody publishes. Beyond two levels a type says `dyn`, so
 * there are only so many. (As in `metering.ts`, this knows the library's inside, and tests fail when that changes.)
 */
import type { Environment } from '@marcbachmann/cel-js';

interface Type {
  readonly kind: string;
  readonly keyType?: Type;
  readonly valueType?: Type;
}

/** Where every environment of the process gets its types. */
interface Registry {
  getType: (this: Registry, name: 'dyn') => Type;
  getListType: (this: Registry, value: Type) => Type;
  getOptionalType: (this: Registry, value: Type) => Type;
  getMapType: (this: Registry, key: Type, value: Type) => Type;
}

const deepest = 2;

/** Bounds the types of all environments, by way of one of them. */
export function boundTypes(environment: Environment): void {
  const registry = Object.getPrototypeOf(registryOf(environment)) as Registry;
  const { getListType, getOptionalType, getMapType } = registry;
  registry.getListType = function (value) {
    return getListType.call(this, shallow(this, value));
  };
  registry.getOptionalType = function (value) {
    return getOptionalType.call(this, shallow(this, value));
  };
  registry.getMapType = function (key, value) {
    return getMapType.call(this, key, shallow(this, value));
  };
}

/** The registry is private, but whatever is evaluated gets an evaluator that holds it. */
function registryOf(environment: Environment): Registry {
  const probe = environment.parse('null');
  let registry: Registry | undefined;
  Object.assign(probe.ast, {
    evaluate: (evaluator: { registry: Registry }) => {
      registry = evaluator.registry;
      return null;
    },
  });
  probe();
  if (registry === undefined) throw new Error('The evaluator of the CEL library holds no registry.');
  return registry;
}

const shallow = (registry: Registry, type: Type): Type => (depthOf(type) < deepest ? type : registry.getType('dyn'));

function depthOf({ kind, keyType, valueType }: Type): number {
  const inside = Math.max(keyType ? depthOf(keyType) : 0, valueType ? depthOf(valueType) : 0);
  return kind === 'dyn' ? inside : inside + (keyType || valueType ? 1 : 0);
}
