/**
 * Recorded runs: the graph, the messages that came, the events that were stored. Runs of earlier versions are in production
 * logs like these, so the files are never recorded again: when one fails, the engine has broken runs that exist.
 *
 * `MILLRACE_RECORD=new npm test -- libs/workflow/src/golden` records the scenarios of `testing/scenarios.ts` that have no file yet.
 */
import { describe, expect, it } from '@jest/globals';
import { newRunEventSchema, type GraphIdentity, type NewRunEvent, type Run } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compileGraph } from '../compile/compile.js';
import { compareGraphs } from '../document/compare-graphs.js';
import { digestOf } from '../document/digest.js';
import { availableKinds } from '../document/graph-document.js';
import { workerPolicies } from '../document/policies.js';
import { validateGraph } from '../document/validate.js';
import { decide } from '../engine/decide.js';
import { evolve } from '../engine/evolve.js';
import type { RunMessage } from '../engine/messages.js';
import { initialState } from '../engine/state.js';
import { stateHashOf } from '../engine/state-hash.js';
import { viewOf } from '../engine/view.js';
import { scenarios } from '../testing/scenarios.js';

/** A move to another version as it is recorded: with its document, of which the rest follows. */
interface RecordedMove {
  readonly type: 'migrate';
  readonly from: GraphIdentity;
  readonly to: GraphIdentity;
  readonly document: JsonObject;
  readonly now: string;
}
type RecordedMessage = Exclude<RunMessage, { type: 'migrate' }> | RecordedMove;

interface Recording {
  /** The version that it began on. */
  readonly document: JsonObject;
  readonly messages: readonly RecordedMessage[];
  readonly events: readonly NewRunEvent[];
  /** Of the state at the end; the first recordings have none. */
  readonly stateHash?: string;
  /** What readers saw when it was recorded. */
  readonly view: Partial<Run>;
}

const folder = import.meta.dirname;
const fileOf = (name: string): string => `${folder}/${name}.json`;

/** Writes what a scenario does today, once. */
function record(name: string): void {
  const run = scenarios[name]?.();
  if (!run || existsSync(fileOf(name))) return;
  const { documents, events } = run;
  for (const document of documents) expect(validateGraph(document)).toHaveProperty('graph');
  const messages = run.messages.map((message) => recorded(message, documents));
  const recording = { document: documents[0], messages, events, stateHash: stateHashOf(run.state), view: run.view() };
  writeFileSync(fileOf(name), `${JSON.stringify(recording, null, 1)}\n`);
}

function recorded(message: RunMessage, documents: readonly JsonObject[]): RecordedMessage {
  if (message.type !== 'migrate') return message;
  const { from, to } = message.migration;
  const document = documents.find((each) => digestOf(each) === to.digest) ?? {};
  return { type: 'migrate', from, to, document, now: message.now };
}

/** A message as it came to a run that was on a version. */
function asItCame(message: RecordedMessage, before: JsonObject): RunMessage {
  if (message.type !== 'migrate') return message;
  const { type, from, to, document, now } = message;
  const migration = { from, to, compiled: compileGraph(document), comparison: compareGraphs(before, document) };
  return { type, migration, now };
}

if (process.env['MILLRACE_RECORD'] === 'new') Object.keys(scenarios).forEach(record);

const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const recordingOf = (file: string): Recording => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as Recording;

describe.each(files)('%s', (name) => {
  const { document, messages, events, stateHash, view } = recordingOf(name);
  /** By digest: the versions that it moved to. */
  const versions = new Map(
    messages.flatMap((each) => (each.type === 'migrate' ? [[each.to.digest, each.document]] : [])),
  );
  const versionAfter = (event: NewRunEvent, before: JsonObject): JsonObject =>
    event.type === 'RunMigrated' ? (versions.get(event.data.to.digest) ?? before) : before;

  it('holds events as the contract has them', () => {
    for (const event of events) expect(newRunEventSchema.parse(event)).toEqual(event);
  });

  it('replays to the state that it had', () => {
    let [current, state] = [document, initialState()];
    for (const event of events) {
      current = versionAfter(event, current);
      state = evolve(compileGraph(current), state, event);
    }
    expect(viewOf(compileGraph(current), state)).toEqual(view);
    if (stateHash !== undefined) expect(stateHashOf(state)).toBe(stateHash);
  });

  it('is decided again in the same way', () => {
    let [current, state] = [document, initialState()];
    const decided = messages.flatMap((message) => {
      const following = decide(compileGraph(current), state, asItCame(message, current));
      for (const event of following) {
        current = versionAfter(event, current);
        state = evolve(compileGraph(current), state, event);
      }
      return following;
    });
    expect(JSON.parse(JSON.stringify(decided))).toEqual(events);
  });
});

describe('the recordings', () => {
  const all = files.map(recordingOf);

  it.each(Object.keys(scenarios))('have the scenario %s', (name) => {
    expect(files).toContain(`${name}.json`);
  });

  it('have every event', () => {
    const recorded = new Set(all.flatMap(({ events }) => events.map(({ type }) => type)));
    expect([...recorded].sort()).toEqual(newRunEventSchema.options.map(({ shape }) => shape.type.value).sort());
  });

  it('have every kind of message', () => {
    const kinds: Record<RunMessage['type'], true> = {
      ...{
        start: true,
        'task-result': true,
        'task-idle': true,
        'slots-granted': true,
        'thread-entered': true,
        'task-begin': true,
        timer: true,
      },
      ...{
        signal: true,
        event: true,
        decision: true,
        pause: true,
        resume: true,
        retry: true,
        cancel: true,
        migrate: true,
      },
    };
    const recorded = new Set(all.flatMap(({ messages }) => messages.map(({ type }) => type)));
    expect([...recorded].sort()).toEqual(Object.keys(kinds).sort());
  });

  it('have every kind of node and every policy', () => {
    const kinds = new Set<JsonValue | undefined>();
    const fields = new Set<string>();
    const look = (value: JsonValue): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Array.isArray(value)) {
        kinds.add(value['kind']);
        for (const field of Object.keys(value)) fields.add(field);
      }
      Object.values(value).forEach(look);
    };
    for (const { document } of all) look(document);
    expect(availableKinds.filter((kind) => !kinds.has(kind))).toEqual([]);
    const policies = [
      ...Object.keys(workerPolicies),
      'budget',
      'thread',
      'onError',
      'when',
      'tolerate',
      'onExhausted',
      'onTimeout',
      'onReject',
      'keep',
    ];
    expect(policies.filter((policy) => !fields.has(policy))).toEqual([]);
  });
});
