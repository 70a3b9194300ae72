/** The effects that a run has taken and that can be taken back, in the order of completion. */
import { compensationOf, compensationPath, isWorker } from '../compile/compiled-graph.js';
import type { JsonObject } from '@millrace/kernel';
import type { Location } from './location.js';
import type { RunningRun, TakenEffect } from './state.js';

/** The path of the call that takes an effect back. */
export const callOf = ({ node, nth = 1 }: TakenEffect): string => compensationPath(node, nth);

/**
 * Notes the effect of a node that has completed. What the target knows by the key of an earlier one is that one, which it has done once:
 * it takes its place.
 */
export function keepEffect(state: RunningRun, location: Location, input: JsonObject, key: string | undefined): void {
  const { path, frame, node } = location;
  const earlier = state.effects.filter((effect) => effect.node === path);
  const same = key === undefined ? undefined : earlier.find((effect) => effect.key === key);
  const nth = same === undefined ? 1 + Math.max(0, ...earlier.map((effect) => effect.nth ?? 1)) : (same.nth ?? 1);
  const effect = { node: path, ...(nth > 1 && { nth }), ...(key !== undefined && { key }), input };
  state.effects = [...state.effects.filter((each) => each !== same), effect];
  const call = frame.scope.byId.get(compensationOf(node.id));
  if (call && isWorker(call)) state.calls = new Map(state.calls).set(callOf(effect), call);
}

/** The last effect of each node gets the key that was found for it. */
export function withKeys(
  effects: readonly TakenEffect[],
  keys: readonly { readonly node: string; readonly key: string }[] = [],
): readonly TakenEffect[] {
  if (keys.length === 0) return effects;
  const byNode = new Map(keys.map(({ node, key }) => [node, key]));
  return effects.map((effect) => {
    const isLast = effects.findLast(({ node }) => node === effect.node) === effect;
    const key = isLast && effect.key === undefined ? byNode.get(effect.node) : undefined;
    return key === undefined ? effect : { ...effect, key };
  });
}
