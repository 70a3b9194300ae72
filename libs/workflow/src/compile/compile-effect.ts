import { outputVariable } from '../document/check-effect.js';
import type { EffectDocument } from '../document/policies.js';
import { compileTemplate } from './compile-template.js';
import {
  compensationOf,
  isContainer,
  isWorker,
  type CompiledEffect,
  type CompiledNode,
  type CompiledScope,
  type CompiledWorker,
} from './compiled-graph.js';

export function compileEffect(effect: EffectDocument | undefined, variables: readonly string[]): CompiledEffect | null {
  if (effect === undefined) return null;
  const { idempotencyKey: key, compensate } = effect;
  return {
    key: key === undefined ? null : compileTemplate(key, variables),
    compensate: compensate === undefined ? null : compileTemplate(compensate, [...variables, outputVariable]),
  };
}

/** Whether some node of a scope, or inside of one, has an effect that is taken back. */
export const compensatesIn = ({ nodes }: CompiledScope): boolean =>
  nodes.some((node) =>
    isContainer(node) ? compensatesIn(node.body) : isWorker(node) && (node.effect?.compensate ?? null) !== null,
  );

/** The tool calls that take the effects of a scope's nodes back. Each has the retries and the time of its node. */
export const compensationsOf = (nodes: readonly CompiledNode[]): CompiledWorker[] =>
  nodes.filter(isWorker).flatMap((node): CompiledWorker[] => {
    if (node.effect === null || node.effect.compensate === null) return [];
    const alone = { index: -1, needs: 0, dependents: [], choosers: [], when: null, continueOnError: true };
    const ways = {
      errorTarget: null,
      attemptMs: null,
      idleMs: null,
      effect: null,
      cache: null,
      concurrency: [],
      lane: null,
    };
    return [{ ...node, ...alone, ...ways, id: compensationOf(node.id), kind: 'tool', worker: undefined }];
  });
