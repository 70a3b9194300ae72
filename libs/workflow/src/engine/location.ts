/** Where a node's path leads. */
import type { JsonObject } from '@millrace/kernel';
import {
  isContainer,
  type CompiledContainer,
  type CompiledNode,
  type CompiledScope,
  type CompiledSubgraph,
} from '../compile/compiled-graph.js';
import type { Frame, RunningNode, RunningRun } from './state.js';
import { inputOfSubgraph } from './subgraph-input.js';

/** A node of a frame. */
export interface Location {
  readonly path: string;
  readonly framePath: string;
  readonly frame: Frame;
  readonly node: CompiledNode;
}

/** What a place is found in: of an ended run too. */
type Places = Pick<RunningRun, 'nodes' | 'frames' | 'input' | 'runId' | 'calls'>;

/** The place of a path such as `write[2].draft`; undefined where the graph has none or the round has not begun. */
export function locate(state: Places, path: string): Location | undefined {
  const call = state.calls.size > 0 ? state.calls.get(path) : undefined;
  if (call !== undefined) return locateCall(state, path, call);
  const dot = path.lastIndexOf('.');
  const framePath = dot < 0 ? '' : path.slice(0, dot);
  const frame = frameAt(state, framePath);
  const node = frame?.scope.byId.get(path.slice(dot + 1));
  return frame && node && { path, framePath, frame, node };
}

/** A call that takes an effect back is found without the map or loop of its node, of which a retry may have left nothing. */
function locateCall(state: Places, path: string, node: CompiledNode): Location | undefined {
  const frame = state.frames.get('');
  return frame && { path, framePath: '', frame, node };
}

/** The frame of a path. A map item or loop round begins with its first event, so its frame is made when it is first asked for. */
export function frameAt(state: Places, framePath: string): Frame | undefined {
  return state.frames.get(framePath) ?? beginFrame(state, framePath);
}

function beginFrame(state: Places, framePath: string): Frame | undefined {
  const bracket = framePath.lastIndexOf('[');
  if (bracket < 0) return undefined;
  const index = Number(framePath.slice(bracket + 1, -1));
  const owner = locate(state, framePath.slice(0, bracket));
  if (!owner || !isContainer(owner.node)) return undefined;
  const container = state.nodes.get(owner.path);
  if (container?.status !== 'running') return undefined;
  if (owner.node.kind === 'subgraph') return beginSubgraphFrame(state, owner, owner.node, framePath);
  if (container.progress === null) return undefined;
  const { progress } = container;
  if (progress.kind === 'map') return beginItems(state, owner, container, index);
  if (progress.kind !== 'loop' || index !== progress.round) return undefined;
  return beginUnfolded(state, owner, index);
}

/** The frame of a map's item that begins, and of those before it: where a budget let no node of an item begin, no event tells of it. */
function beginItems(state: Places, owner: Location, map: RunningNode, index: number): Frame | undefined {
  const { progress } = map;
  if (progress?.kind !== 'map' || !Number.isInteger(index)) return undefined;
  if (index < progress.started || index >= progress.items.length) return undefined;
  state.nodes.set(owner.path, { ...map, progress: { ...progress, started: index + 1 } });
  for (let earlier = progress.started; earlier < index; earlier += 1) beginUnfolded(state, owner, earlier);
  return beginUnfolded(state, owner, index);
}

function beginUnfolded(state: Places, { path, node }: Location, index: number): Frame | undefined {
  if (!isContainer(node)) return undefined;
  const framePath = `${path}[${index}]`;
  const frame = newFrame(bodyAt(state, { path, node }, index), `${framePath}.`, { node, path, index });
  state.frames.set(framePath, frame);
  return frame;
}

function bodyAt(
  state: Places,
  { path, node }: { readonly path: string; readonly node: CompiledContainer },
  index: number,
): CompiledScope {
  if (node.kind !== 'map' || node.bodyOf === undefined) return node.body;
  const map = state.nodes.get(path);
  const progress = map?.status === 'running' ? map.progress : null;
  return node.bodyOf((progress?.kind === 'map' ? progress.items[index] : undefined) ?? null);
}

/** The one frame of a subgraph; what it is given was checked when its node began. */
function beginSubgraphFrame(
  state: Places,
  { path, frame }: Location,
  node: CompiledSubgraph,
  framePath: string,
): Frame | undefined {
  if (framePath !== `${path}[0]`) return undefined;
  const input = inputOfSubgraph(state, frame, node);
  const inside = newFrame(node.body, `${framePath}.`, { node, path, index: 0 }, input);
  state.frames.set(framePath, inside);
  return inside;
}

/** A frame of which no node has begun. `input` is its own, where it has one. */
export function newFrame(
  scope: Frame['scope'],
  prefix: string,
  owner: Frame['owner'],
  input: JsonObject | null = null,
): Frame {
  return {
    scope,
    prefix,
    owner,
    input,
    waiting: scope.nodes.map((node) => node.needs),
    skippedNeeds: scope.nodes.map(() => 0),
    remaining: scope.nodes.length,
  };
}
