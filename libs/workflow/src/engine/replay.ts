/** Replays a run from its recording alone: the graph and the events, without a server. */
import { newRunEventSchema, violationsOf, type GraphIdentity, type NewRunEvent } from '@millrace/contracts';
import { invalidInput, MillraceError, type JsonObject } from '@millrace/kernel';
import { compileGraph } from '../compile/compile.js';
import { digestOf } from '../document/digest.js';
import { evolve } from './evolve.js';
import { initialState } from './state.js';
import { stateHashOf } from './state-hash.js';
import { viewOf, type RunView } from './view.js';

/** The events up to a position, and the hash of the state that they led to where they were recorded. */
export interface Recording {
  readonly graph: GraphIdentity;
  readonly document: JsonObject;
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
export function replay({ graph, document, events, stateHash: recorded }: Recording): Replay {
  if (digestOf(document) !== graph.digest) {
    const message = 'The document of the recording is not the one that the run was on.';
    throw new MillraceError('mismatch', 'digest_mismatch', message);
  }
  const compiled = compileGraph(document);
  const state = events.map(eventAt).reduce((before, event) => evolve(compiled, before, event), initialState());
  const stateHash = stateHashOf(state);
  return { stateHash, same: stateHash === recorded, view: viewOf(compiled, state) };
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
