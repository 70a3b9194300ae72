/** Which variables expressions see, by where they stand. */
import type { LoopNode, MapNode } from '../document/graph-document.js';

export const rootVariables: readonly string[] = ['input', 'nodes', 'run', 'thread'];

/** What is known before a run begins. */
export const startVariables: readonly string[] = ['input', 'run'];

/** What the filter of a wait calls the signal. */
export const signalVariable = 'signal';
/** What it calls the event. */
export const eventVariable = 'event';

/** The variables inside of a map or loop: those outside, and its own. */
export function insideOf(container: MapNode | LoopNode, outside: readonly string[]): readonly string[] {
  const own = container.kind === 'map' ? [container.as, 'index'] : ['round', 'previous'];
  return [...new Set([...outside, ...own])];
}
