/** Replays a run from its recording alone: the graph and the events, without a server. */
import { newRunEventSchema, violationsOf, type GraphIdentity, type NewRunEvent } from '@millrace/contracts';
import { invalidInput, MillraceError, type JsonObject } from '@millrace/kernel';
import { compileGraph } from '../compile/compile.js';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { digestOf } from '../document/digest.js';
import { evolve } from './evolve.js';
import { initialState } from './state.js';
import { stateHashOf } from './state-hash.js';
import { viewOf, type RunView } from './view.js';

/** The events up to a position, and the hash of the state that they led to where they were recorded. */
export interface Recording {
  readonly graph: GraphIdentity;
  readonly document: JsonObject;
  /** The versions that the run was on before. */
  readonly earlier?: readonly { readonly graph: GraphIdentity; readonly document: JsonObject }[] | undefined;
  readonly events: readonly JsonObject[];
  readonly stateHash: string;
}

export interface Replay {
  readonly stateHash: string;
  /** Whether it is the hash of the recording. */
  readonly same: boolean;
  readonly view: RunView;
}

/** @throws MillraceError `digest_mismatch`, `invalid_recording` with a pointer to the event */
export function replay({ graph, document, earlier = [], events, stateHash: recorded }: Recording): Replay {
  const versions = new Map<string, CompiledGraph>();
  for (const each of [...earlier, { graph, document }]) versions.set(each.graph.digest, compiledOf(each));
  const parsed = events.map(eventAt);
  const move = parsed.find((event) => event.type === 'RunMigrated');
  let compiled = versions.get((move?.data.from ?? graph).digest);
  let state = initialState();
  for (const [index, event] of parsed.entries()) {
    if (event.type === 'RunMigrated') compiled = versions.get(event.data.to.digest);
    if (compiled === undefined)
      throw invalidInput('invalid_recording', 'The recording lacks a version of the graph that the run was on.', [
        { pointer: `/events/${index}`, message: 'leads to a version that is not in the recording' },
      ]);
    state = evolve(compiled, state, event);
  }
  const stateHash = stateHashOf(state);
  return { stateHash, same: stateHash === recorded, view: viewOf(compiled ?? compileGraph(document), state) };
}

function compiledOf({ graph, document }: Pick<Recording, 'graph' | 'document'>): CompiledGraph {
  if (digestOf(document) === graph.digest) return compileGraph(document);
  const message = 'A document of the recording is not the one that the run was on.';
  throw new MillraceError('mismatch', 'digest_mismatch', message);
}

function eventAt({ position, ...event }: JsonObject, index: number): NewRunEvent {
  const pointer = `/events/${index}`;
  if (position !== index + 1) {
    const message = `has the position ${JSON.stringify(position)} where ${index + 1} is due`;
    throw invalidInput('invalid_recording', 'The events of the recording have a gap.', [{ pointer, message }]);
  }
  const parsed = newRunEventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  const violations = violationsOf(parsed.error).map((each) => ({ ...each, pointer: pointer + each.pointer }));
  throw invalidInput('invalid_recording', 'The recording holds what is no event of a run.', violations);
}
