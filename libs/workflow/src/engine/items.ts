import type { RunEventOf } from '@millrace/contracts';
import { MillraceError, type JsonValue } from '@millrace/kernel';
import type { CompiledMap } from '../compile/compiled-graph.js';
import { Meter } from '../expression/meter.js';
import { limits } from '../limits.js';
import type { Location } from './location.js';
import type { Frame, RunningRun } from './state.js';
import { resolveIn } from './variables.js';

/** What `decide` has evaluated already, so that folding its own new events does not do it again. */
const remembered = new WeakMap<RunEventOf<'MapStarted'>, readonly JsonValue[]>();

/** The list that a map runs over. @throws MillraceError `map_not_a_list`, `map_too_large`, or of the expression */
export function evaluateItems(state: RunningRun, frame: Frame, node: CompiledMap, meter: Meter): readonly JsonValue[] {
  const items = resolveIn(state, frame, node.over, meter);
  if (!Array.isArray(items))
    throw new MillraceError('invalid', 'map_not_a_list', 'What a map runs over must be a list.');
  if (items.length <= limits.mapItems) return items;
  throw new MillraceError(
    'too-large',
    'map_too_large',
    `A map runs over at most ${limits.mapItems} items, not ${items.length}.`,
  );
}

/** The event that unfolds a map. */
export function mapStarted(node: string, items: readonly JsonValue[], at: string): RunEventOf<'MapStarted'> {
  const event: RunEventOf<'MapStarted'> = { type: 'MapStarted', at, data: { node, count: items.length } };
  remembered.set(event, items);
  return event;
}

/** The items of a map that has unfolded: the event says only how many, for they follow from what came before. */
export function itemsOf(
  state: RunningRun,
  { frame, node }: Location,
  event: RunEventOf<'MapStarted'>,
): readonly JsonValue[] {
  const known = remembered.get(event);
  if (known) return known;
  return node.kind === 'map' ? evaluateItems(state, frame, node, new Meter()) : [];
}
