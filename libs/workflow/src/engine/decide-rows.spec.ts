/**
 * One property for each row of the table in `decide.ts`: a message of which the row speaks makes happen what the row says, and
 * one of which no row speaks makes nothing happen. Messages and states are taken from all scenarios: each message, and others much
 * like it, is tried on each state of its run, paused and not.
 */
import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import { compileGraph } from '../compile/compile.js';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { messageRows } from '../testing/message-rows.js';
import type { Tried } from '../testing/row-model.js';
import { scenarios } from '../testing/scenarios.js';
import { snapshotOf, type TestRun } from '../testing/test-run.js';
import { rowsOfMessages } from '../testing/transition-rows.js';
import { decide } from './decide.js';
import { evolve } from './evolve.js';
import type { RunMessage } from './messages.js';
import { initialState, type RunState } from './state.js';
import { timersOf } from './timers.js';

type Versions = readonly CompiledGraph[];

/** The state after events, and the version that it is on. */
function folded(versions: Versions, events: readonly NewRunEvent[]): { state: RunState; graph: CompiledGraph } {
  const graphAt = (moves: number): CompiledGraph => versions[moves] ?? never();
  let [state, moves] = [initialState(), 0];
  for (const event of events) {
    if (event.type === 'RunMigrated') moves = 1;
    state = evolve(graphAt(moves), state, event);
  }
  return { state, graph: graphAt(moves) };
}

/** How many events there are after each message: in the middle of what follows from one, no message finds a run. */
function positionsOf(versions: Versions, { messages, events }: TestRun): ReadonlySet<number> {
  const positions = [0];
  for (const message of messages) {
    const count = positions.at(-1) ?? 0;
    const { state, graph } = folded(versions, events.slice(0, count));
    positions.push(count + decide(graph, state, message).length);
  }
  return new Set(positions);
}

/** Deciding must not touch the state. */
function tryOut(versions: Versions, before: readonly NewRunEvent[], message: RunMessage): Tried {
  const { state, graph } = folded(versions, before);
  const snapshot = JSON.stringify(snapshotOf(state));
  const events = decide(graph, state, message);
  expect(JSON.stringify(snapshotOf(state))).toBe(snapshot);
  return { graph, state, message, events, after: () => folded(versions, [...before, ...events]).state };
}

const longAfter = '2026-03-01T00:00:00.000Z';

/** The message, and others much like it: late, of another attempt, of another program. */
function variantsOf(message: RunMessage): RunMessage[] {
  const variants: RunMessage[] = [message, { ...message, now: longAfter }];
  if ('attempt' in message)
    variants.push({ ...message, attempt: message.attempt + 1 }, { ...message, attempt: message.attempt - 1 });
  if (message.type === 'task-result' || message.type === 'task-begin')
    variants.push({ ...message, worker: 'stranger' });
  return variants;
}

/** A run as it was after some of its messages, and as it would be if it were paused then. */
function historiesOf(versions: Versions, run: TestRun): NewRunEvent[][] {
  return [...positionsOf(versions, run)].flatMap((position) => {
    const events = run.events.slice(0, position);
    const { state, graph } = folded(versions, events);
    const paused = decide(graph, state, { type: 'pause', reason: 'lunch', now: events.at(-1)?.at ?? longAfter });
    return paused.length === 0 ? [events] : [events, [...events, ...paused]];
  });
}

function timersIn(versions: Versions, events: readonly NewRunEvent[]): RunMessage[] {
  const { state, graph } = folded(versions, events);
  return timersOf(graph, state).map(({ dueAt, ...timer }) => ({ type: 'timer', ...timer, now: dueAt, random: 0.5 }));
}

const tried: readonly Tried[] = Object.values(scenarios).flatMap((scenario) => {
  const run = scenario();
  const versions = run.documents.map((document) => compileGraph(document));
  const histories = historiesOf(versions, run);
  const messages = [...run.messages, ...histories.flatMap((events) => timersIn(versions, events))];
  const known = new Map(messages.flatMap(variantsOf).map((message) => [wordsOf(message), message]));
  return histories.flatMap((events) => [...known.values()].map((message) => tryOut(versions, events, message)));
});

/** What tells messages apart; graphs are the same where their versions are. */
function wordsOf(message: RunMessage): string {
  return JSON.stringify(message.type === 'migrate' ? { ...message, migration: message.migration.to } : message);
}

describe('the table of decide', () => {
  it('has a property for each of its rows, and none without a row', () => {
    const keys = rowsOfMessages(`${import.meta.dirname}/decide.ts`);
    expect(keys.length).toBeGreaterThan(25);
    expect(Object.keys(messageRows).sort()).toEqual(keys.sort());
  });

  it.each(Object.entries(messageRows))('%s', (_key, { speaksOf, happens }) => {
    const spokenOf = tried.filter(speaksOf);
    expect(spokenOf.length).toBeGreaterThan(0);
    for (const each of spokenOf) {
      try {
        happens(each);
      } catch (cause) {
        const made = each.events.map(({ type }) => type).join(', ');
        throw new Error(`${wordsOf(each.message)} made: ${made}`, { cause });
      }
    }
  });

  it('speaks of no message twice', () => {
    const plain = Object.entries(messageRows).filter(([, { besides }]) => !besides);
    for (const trial of tried) {
      const speaking = plain.filter(([, { speaksOf }]) => speaksOf(trial)).map(([key]) => key);
      expect(speaking).toHaveLength(1);
    }
  });
});

function never(): never {
  throw new Error('There is none.');
}
