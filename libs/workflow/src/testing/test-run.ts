/** Drives a run in tests: sends messages, folds events, and checks after each message what must always hold. */
import { expect } from '@jest/globals';
import type { ApprovalDecision, Decider, NewRunEvent, RunEventOf, TaskOutcome } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import { compileGraph } from '../compile/compile.js';
import type { CompiledGraph } from '../compile/compiled-graph.js';
import { compareGraphs } from '../document/compare-graphs.js';
import { digestOf } from '../document/digest.js';
import { decide } from '../engine/decide.js';
import { evolve } from '../engine/evolve.js';
import { refusalOfFork, reusedNodes } from '../engine/fork.js';
import type { RunMessage } from '../engine/messages.js';
import { refusalOf } from '../engine/refusal.js';
import { initialState, type RunState } from '../engine/state.js';
import { outstandingTasks, tasksOf, type TaskToDo } from '../engine/tasks.js';
import { threadToRead } from '../engine/thread.js';
import { newTimersOf, timersOf, type Timer } from '../engine/timers.js';
import { viewOf } from '../engine/view.js';

const identity = { name: 'test', version: 1, digest: 'a'.repeat(64) };

export const editor: Decider = { keyId: 'key_editor', role: 'editor' };

/** A graph document around nodes. */
export const graphOf = (nodes: JsonValue[], rest: JsonObject = {}): JsonObject => ({
  apiVersion: 'millrace/v1',
  kind: 'Graph',
  metadata: { name: 'test' },
  nodes,
  ...rest,
});

export const tool = (id: string, rest: JsonObject = {}): JsonObject => ({
  id,
  kind: 'tool',
  with: { tool: 'echo' },
  ...rest,
});

export const completed = (output: JsonValue = {}): TaskOutcome => ({ status: 'completed', output });

export const failed = (code = 'broken', retryable = true): TaskOutcome => ({
  status: 'failed',
  error: { kind: 'unavailable', code, message: 'It broke.', retryable },
});

export class TestRun {
  /** The version that it is on. */
  graph: CompiledGraph;
  /** By digest: every version that it has been on, or was to go to. */
  private readonly versions = new Map<string, CompiledGraph>();
  /** The documents of those, in order. */
  readonly documents: JsonObject[] = [];
  readonly messages: RunMessage[] = [];
  readonly events: NewRunEvent[] = [];
  state: RunState = initialState();
  /** The time of the next message, in milliseconds; a second passes with each. */
  time = Date.parse('2026-01-01T00:00:00.000Z');
  random = 0.5;

  constructor(public document: JsonObject) {
    this.graph = compileGraph(document);
    this.versions.set(identity.digest, this.graph);
    this.documents.push(document);
  }

  start(input: JsonObject = {}, thread?: string): NewRunEvent[] {
    const runId = `run_${'0'.repeat(32)}`;
    return this.send({ type: 'start', runId, graph: identity, input, correlationId: 'c', thread, now: this.tick() });
  }

  /** A new run that begins at a node of this one. @throws the refusal */
  fork(node: string, changed: { readonly with?: JsonValue; readonly input?: JsonObject } = {}): TestRun {
    const refusal = refusalOfFork(this.graph, this.state, node, changed.with !== undefined);
    if (refusal !== null) throw refusal;
    const input = changed.input ?? (this.state.status === 'new' ? {} : this.state.input);
    const origin = { runId: `run_${'0'.repeat(32)}`, position: this.events.length, node };
    const fork = {
      ...origin,
      ...(changed.with !== undefined && { with: changed.with }),
      ...(threadToRead(this.state) && { thread: threadToRead(this.state) }),
      reused: reusedNodes(this.graph, this.state, node),
    };
    const forked = new TestRun(this.document);
    const runId = `run_${'1'.repeat(32)}`;
    const now = forked.tick();
    forked.send({ type: 'start', runId, graph: identity, input, correlationId: 'c', fork, now });
    return forked;
  }

  /** It is its turn in its thread. */
  enter(state: JsonObject = {}, version = 1, generation = 0): NewRunEvent[] {
    return this.send({ type: 'thread-entered', generation, version, state, now: this.tick() });
  }

  result(node: string, outcome: TaskOutcome = completed(), attempt = this.attemptOf(node)): NewRunEvent[] {
    return this.send({ type: 'task-result', node, attempt, outcome, now: this.tick(), random: this.random });
  }

  fire({ timer, node, attempt, dueAt }: Timer): NewRunEvent[] {
    this.time = Math.max(this.time, Date.parse(dueAt));
    return this.send({ type: 'timer', timer, node, attempt, now: this.now(), random: this.random });
  }

  signal(name: string, data: JsonValue = null, id = `signal-${this.messages.length}`): NewRunEvent[] {
    return this.send({ type: 'signal', id, name, data, now: this.tick() });
  }

  event(node: string, event: JsonObject, attempt = this.attemptOf(node)): NewRunEvent[] {
    return this.send({ type: 'event', node, attempt, event, now: this.tick() });
  }

  decide(
    node: string,
    decision: ApprovalDecision,
    { by = editor, data = {} }: { by?: Decider; data?: JsonObject } = {},
  ) {
    const attempt = this.attemptOf(node);
    return this.send({ type: 'decision', node, attempt, decision, data, by, now: this.tick() });
  }

  pause(reason = 'lunch'): NewRunEvent[] {
    return this.send({ type: 'pause', reason, now: this.tick() });
  }

  resume(): NewRunEvent[] {
    return this.send({ type: 'resume', now: this.tick() });
  }

  retry(from?: string, id = `retry-${this.messages.length}`): NewRunEvent[] {
    return this.send({ type: 'retry', id, from, now: this.tick() });
  }

  /** Moves to another version. @throws the refusal */
  migrate(document: JsonObject): NewRunEvent[] {
    if (this.state.status === 'new') throw new Error('The run has not begun.');
    const { graph: from } = this.state;
    const to = { ...identity, version: from.version + 1, digest: digestOf(document) };
    const compiled = compileGraph(document);
    this.versions.set(to.digest, compiled);
    this.documents.push(document);
    const migration = { from, to, compiled, comparison: compareGraphs(this.document, document) };
    const message = { type: 'migrate', migration, now: this.tick() } as const;
    const refusal = refusalOf(this.graph, this.state, message);
    const events = this.send(message);
    if (refusal !== null) throw refusal;
    if (events.length > 0) this.document = document;
    return events;
  }

  cancel(reason = 'enough'): NewRunEvent[] {
    return this.send({ type: 'cancel', reason, now: this.tick() });
  }

  /** Decides and folds; deciding must not touch the state. */
  send(message: RunMessage): NewRunEvent[] {
    this.messages.push(message);
    const before = JSON.stringify(snapshotOf(this.state));
    const events = decide(this.graph, this.state, message);
    expect(JSON.stringify(snapshotOf(this.state))).toBe(before);
    for (const event of events) {
      if (event.type === 'RunMigrated') this.graph = this.versionOf(event);
      this.state = evolve(this.graph, this.state, event);
    }
    this.events.push(...events);
    return events;
  }

  /** A second later. */
  tick(): string {
    this.time += 1_000;
    return this.now();
  }

  now(): string {
    return new Date(this.time).toISOString();
  }

  attemptOf(node: string): number {
    const state = this.state.status === 'new' ? undefined : this.state.nodes.get(node);
    return state && 'attempt' in state ? state.attempt : 1;
  }

  tasks(): TaskToDo[] {
    return outstandingTasks(this.graph, this.state);
  }

  tasksOf(events: readonly NewRunEvent[]): TaskToDo[] {
    return tasksOf(this.graph, this.state, events);
  }

  timers(): Timer[] {
    return timersOf(this.graph, this.state);
  }

  timersOf(events: readonly NewRunEvent[]): Timer[] {
    return newTimersOf(this.graph, this.state, events);
  }

  view() {
    return viewOf(this.graph, this.state);
  }

  /** The same run, from its events alone. */
  refolded(): RunState {
    const events = JSON.parse(JSON.stringify(this.events)) as NewRunEvent[];
    let state: RunState = initialState();
    let graph = this.versions.get(identity.digest) ?? this.graph;
    for (const event of events) {
      if (event.type === 'RunMigrated') graph = this.versionOf(event);
      state = evolve(graph, state, event);
    }
    return state;
  }

  private versionOf({ data }: RunEventOf<'RunMigrated'>): CompiledGraph {
    return this.versions.get(data.to.digest) ?? this.graph;
  }
}

/** A state as plain values, to compare and to keep. */
export function snapshotOf(state: RunState): unknown {
  if (state.status === 'new') return state;
  const { nodes, frames, ...rest } = state;
  const rows = [...frames.entries()].map(([path, { waiting, skippedNeeds, remaining, prefix, owner }]) => [
    path,
    { waiting: [...waiting], skippedNeeds: [...skippedNeeds], remaining, prefix, owner: owner?.path },
  ]);
  return { ...rest, nodes: Object.fromEntries(nodes.entries()), frames: rows };
}
