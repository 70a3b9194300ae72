/**
 * Recorded runs: the graph, the messages that came, the events that were stored. Runs of earlier versions are in production
 * logs like these, so the files are never recorded again: when one fails, the engine has broken runs that exist.
 */
import { describe, expect, it } from '@jest/globals';
import { newRunEventSchema, type NewRunEvent, type Run } from '@millrace/contracts';
import type { JsonObject } from '@millrace/kernel';
import { readdirSync, readFileSync } from 'node:fs';
import { compileGraph } from '../compile/compile.js';
import { decide } from '../engine/decide.js';
import { evolve } from '../engine/evolve.js';
import type { RunMessage } from '../engine/messages.js';
import { initialState, type RunState } from '../engine/state.js';
import { viewOf } from '../engine/view.js';

interface Recording {
  readonly document: JsonObject;
  readonly messages: readonly RunMessage[];
  readonly events: readonly NewRunEvent[];
  /** What readers saw when it was recorded. */
  readonly view: Partial<Run>;
}

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));

const recordingOf = (name: string): Recording =>
  JSON.parse(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')) as Recording;

describe.each(files)('%s', (name) => {
  const { document, messages, events, view } = recordingOf(name);
  const graph = compileGraph(document);

  it('holds events as the contract has them', () => {
    for (const event of events) expect(newRunEventSchema.parse(event)).toEqual(event);
  });

  it('replays to the state that it had', () => {
    const state = events.reduce<RunState>((before, event) => evolve(graph, before, event), initialState());
    expect(viewOf(graph, state)).toEqual(view);
  });

  it('is decided again in the same way', () => {
    let state = initialState();
    const decided = messages.flatMap((message) => {
      const following = decide(graph, state, message);
      for (const event of following) state = evolve(graph, state, event);
      return following;
    });
    expect(JSON.parse(JSON.stringify(decided))).toEqual(events);
  });
});

it('there are recordings', () => {
  expect(files.length).toBeGreaterThanOrEqual(3);
});
