import type { ConcurrencyDocument } from '../document/policies.js';
import { compileTemplate } from './compile-template.js';
import { isContainer, isWorker, type CompiledScope, type CompiledWorker } from './compiled-graph.js';

export const compileConcurrency = (
  concurrency: ConcurrencyDocument | undefined,
  variables: readonly string[],
): CompiledWorker['concurrency'] =>
  concurrency === undefined
    ? []
    : concurrency.map(({ key, limit }) => ({ key: compileTemplate(key, variables), limit }));

/** Whether some node of a scope, or inside of one, shares keys. */
export const sharesIn = ({ nodes }: CompiledScope): boolean =>
  nodes.some((node) => (isContainer(node) ? sharesIn(node.body) : isWorker(node) && sharesKeys(node)));

/** Whether a node waits for keys before its task goes out. */
export const sharesKeys = ({ concurrency, lane }: CompiledWorker): boolean => concurrency.length > 0 || lane !== null;
