/** Maps: items run in order of their index, at most `maxParallel` at a time. */
import type { JsonValue } from '@millrace/kernel';
import type { CompiledMap } from '../compile/compiled-graph.js';
import { record, running, type Decision } from './decision.js';
import { completeNode, failNode } from './end.js';
import { errorOf } from './failure.js';
import { evaluateItems, mapStarted } from './items.js';
import { frameAt, type Location } from './location.js';
import type { MapProgress, RunningRun } from './state.js';
import { resolveIn } from './variables.js';

/** Unfolds a map that has just been scheduled. @throws MillraceError of the list it runs over */
export function beginMap(decision: Decision, state: RunningRun, { path, frame }: Location, map: CompiledMap): void {
  const items = evaluateItems(state, frame, map, decision.meter);
  record(decision, mapStarted(path, items, decision.now));
  continueMap(decision, path, map);
}

/** Begins what may begin, or ends the map: after it unfolded, and each time an item has ended. */
export function continueMap(decision: Decision, path: string, map: CompiledMap): void {
  for (;;) {
    const state = running(decision);
    const progress = state && progressOf(state, path);
    if (!state || !progress) return;
    if (progress.finished === progress.items.length) {
      finishMap(decision, state, path, map, progress);
      return;
    }
    const { started, finished, items } = progress;
    if (started === items.length || started - finished >= map.maxParallel) return;
    const framePath = `${path}[${started}]`;
    const { roots } = frameAt(state, framePath)?.scope ?? map.body;
    for (const node of roots) decision.agenda.push({ action: 'begin', path: `${framePath}.${node.id}` });
  }
}

function progressOf(state: RunningRun, path: string): MapProgress | null {
  const node = state.nodes.get(path);
  return node?.status === 'running' && node.progress?.kind === 'map' ? node.progress : null;
}

function finishMap(decision: Decision, state: RunningRun, path: string, map: CompiledMap, progress: MapProgress): void {
  try {
    const failed = new Set(progress.failures.map(({ index }) => index));
    const outputs: JsonValue[] = progress.items.map((_item, index) => {
      const frame = frameAt(state, `${path}[${index}]`);
      return frame && !failed.has(index) ? resolveIn(state, frame, map.output, decision.meter) : null;
    });
    completeNode(decision, path, outputs);
  } catch (error) {
    failNode(decision, path, errorOf(error));
  }
}
