/** Random graphs that can be published: nodes side by side, each of which may need some of those before it. */
import type { Dice } from '@millrace/chaos/dice';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { availableKinds } from '@millrace/workflow';
import { nodeKinds, taskUsd, type Kind, type Place } from './node-kinds.js';

const containers: ReadonlySet<Kind> = new Set<Kind>(['map', 'loop']);
const leaves = availableKinds.filter((kind) => !containers.has(kind));
/** Half of the nodes are tools: the protocol of workers is where most can go wrong. */
const kinds = [availableKinds, leaves] as const;
const deepest = 2;

export function growGraph(dice: Dice): JsonObject {
  const habits = { effects: dice.pick([5, 5, 15, 60]), sharing: dice.pick([5, 5, 15, 50]) };
  let count = 0;
  const grow = (depth: number): JsonObject[] => {
    const size = depth === 0 ? dice.within([1, 6]) : dice.within([1, 2]);
    const ids = Array.from({ length: size }, () => `n${(count += 1)}`);
    const needs = ids.map((_, index) => ids.slice(0, index).filter(() => dice.percent(35)));
    return ids.map((id, index) => {
      const dependents = ids.filter((_, other) => needs[other]?.includes(id));
      const inside = (): JsonObject[] => grow(depth + 1);
      return nodeAt({ dice, habits, id, needs: needs[index] ?? [], dependents, depth, inside });
    });
  };
  const nodes = grow(0);
  return {
    apiVersion: 'millrace/v1',
    kind: 'Graph',
    metadata: { name: 'grown', ...(dice.percent(20) && { description: 'It grew.' }) },
    ...(dice.percent(30) && { input: inputSchema }),
    ...(dice.percent(15) && { timeout: `${dice.within([4, 40])}s` }),
    ...(dice.percent(25) && { budget: budgetOf(dice) }),
    ...(dice.percent(30) && { priority: dice.pick(['low', 'normal', 'high']) }),
    nodes,
    ...(dice.percent(12) && { concurrency: [{ key: dice.pick(['one', 'number-${{ input.number > 4 }}']), limit: 2 }] }),
    thread: { state: { runs: '${{ thread.state.?runs.orValue(0) + 1 }}' } },
    ...(dice.percent(70) && { output: nodes.map((node) => `\${{ nodes.${node['id'] as string}.status }}`) }),
  };
}

/** What every run of a grown graph is started with. */
export const inputOf = (dice: Dice): JsonObject => ({ number: dice.within([0, 9]), list: [1, 2] });

const budgetOf = (dice: Dice): JsonObject => ({
  usd: taskUsd * dice.within([1, 6]),
  ...(dice.percent(30) && { wallClock: `${dice.within([4, 20])}s` }),
  onExceed: dice.pick(['pause', 'fail', 'degrade']),
});

const inputSchema = {
  type: 'object',
  properties: { number: { type: 'number' }, list: { type: 'array' } },
  required: ['number'],
};

function nodeAt(place: Place): JsonObject {
  const { dice, id, needs, depth } = place;
  const kind = dice.percent(45) ? 'tool' : dice.pick(kinds[depth < deepest ? 0 : 1]);
  return {
    id,
    kind,
    ...(dice.percent(10) && { description: `The node ${id}.` }),
    ...(needs.length > 0 && { needs: [...needs] }),
    ...when(place),
    ...onError(place),
    ...nodeKinds[kind](place),
  };
}

function when({ dice, needs }: Place): JsonObject {
  if (!dice.percent(20)) return {};
  const [need] = needs;
  const conditions: JsonValue[] = [true, false, ...(need ? [`\${{ nodes.${need}.status == 'completed' }}`] : [])];
  return { when: dice.pick(conditions) };
}

function onError({ dice, dependents }: Place): JsonObject {
  const [target] = dependents;
  if (dice.percent(15)) return { onError: 'fail' };
  if (dice.percent(50)) return { onError: 'continue' };
  return target !== undefined && dice.percent(30) ? { onError: { goto: target } } : {};
}
