/**
 * Random graphs under random histories: results in any order, twice, late and of old attempts, timers early, late and for
 * nothing, cancellation at any moment. Whatever happens, the invariants below hold.
 */
import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { graphOf, snapshotOf, TestRun } from '../testing/test-run.js';
import { evolve } from './evolve.js';
import type { TaskToDo } from './tasks.js';
import type { Timer } from './timers.js';

type Node = JsonObject & { id: string; kind: string; needs: string[]; nodes?: Node[] };

const terminal = new Set(['RunCompleted', 'RunFailed', 'RunCancelled']);
const endings = new Set(['NodeCompleted', 'NodeFailed', 'NodeSkipped']);

/** Nodes side by side, each needing some of those before it. Ids are given when the graph is whole. */
const shapes = (depth: number): fc.Arbitrary<Shape[]> =>
  fc.array(
    fc.record({
      kind: depth === 0 ? leafKind : fc.oneof({ weight: 3, arbitrary: leafKind }, fc.constantFrom('map', 'loop')),
      needs: fc.array(fc.nat(7), { maxLength: 3 }),
      when: fc.constantFrom(undefined, undefined, undefined, true, false),
      onError: fc.constantFrom('fail', 'fail', 'continue', 'goto'),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      timeout: fc.boolean(),
      size: fc.integer({ min: 0, max: 4 }),
      bound: fc.integer({ min: 1, max: 3 }),
      inside: depth === 0 ? noShapes : fc.oneof(noShapes, shapesInside(depth)),
    }),
    { minLength: 1, maxLength: depth === 2 ? 7 : 3 },
  );

interface Shape {
  kind: string;
  needs: number[];
  when: boolean | undefined;
  onError: string;
  maxAttempts: number;
  timeout: boolean;
  size: number;
  bound: number;
  inside: Shape[];
}

const noShapes: fc.Arbitrary<Shape[]> = fc.constant([]);
const leafKind = fc.constantFrom(
  'tool',
  'tool',
  'tool',
  'transform',
  'combine',
  'emit',
  'wait',
  'signal',
  'approval',
  'branch',
  'branch',
  'broken',
);
const shapesInside = (depth: number): fc.Arbitrary<Shape[]> => fc.constant(null).chain(() => shapes(depth - 1));

function documentOf(list: readonly Shape[]): JsonObject {
  let count = 0;
  const nodesOf = (side: readonly Shape[]): Node[] => {
    const ids = side.map(() => `n${count++}`);
    const needsOf = ({ needs }: Shape, index: number) =>
      index === 0 ? [] : [...new Set(needs.map((need) => ids[need % index] ?? ''))];
    return side.map((shape, index) => {
      const [id, needs] = [ids[index] ?? '', needsOf(shape, index)];
      const dependents = ids.filter((_other, place) => needsOf(side[place] ?? shape, place).includes(id));
      const [target] = dependents;
      const onError = shape.onError !== 'goto' ? shape.onError : target === undefined ? 'continue' : { goto: target };
      const common = { id, needs, onError, ...(shape.when !== undefined && { when: shape.when }) };
      return { ...common, ...fieldsOf(shape, { id, needs, dependents }, nodesOf) };
    });
  };
  return graphOf(nodesOf(list));
}

function fieldsOf(
  shape: Shape,
  { id, needs, dependents }: { id: string; needs: readonly string[]; dependents: readonly string[] },
  nodesOf: (inside: readonly Shape[]) => Node[],
): JsonObject & { kind: string } {
  const inside = () =>
    nodesOf(shape.inside.length > 0 ? shape.inside : [{ ...shape, kind: 'tool', needs: [], inside: [] }]);
  const [target] = dependents;
  switch (shape.kind) {
    case 'transform':
      return { kind: 'transform', output: { from: needs.map((need) => `\${{ nodes.${need}.status }}`) } };
    case 'broken':
      return { kind: 'transform', output: '${{ 1 / 0 }}' };
    case 'combine':
      return needs.length === 0 ? { kind: 'transform', output: 1 } : { kind: 'combine' };
    case 'emit':
      return { kind: 'emit', event: 'something', with: { run: '${{ run.id }}' } };
    case 'wait':
      return { kind: 'wait', for: `${shape.bound * 7}s` };
    case 'branch': {
      const [odd, even] = [1, 0].map((rest) => dependents.filter((_dependent, index) => index % 2 === rest));
      if (!even || even.length === 0) return { kind: 'transform', output: 1 };
      return { kind: 'branch', cases: [{ when: `\${{ ${shape.size} > 2 }}`, then: even }], default: odd ?? [] };
    }
    case 'approval':
      return {
        kind: 'approval',
        title: 'Go?',
        assignees: shape.timeout ? ['role:editor'] : ['role:admin'],
        deadline: '30s',
        onTimeout: (['approve', 'reject', 'fail'] as const)[shape.bound - 1] ?? 'fail',
        onReject: shape.size % 2 === 0 ? 'fail' : 'continue',
      };
    case 'signal': {
      const filter = shape.size === 0 ? 'signal.data.turn % 2 == 0' : 'true';
      return {
        kind: 'wait',
        signal: { name: `s${shape.bound}`, filter: `\${{ ${filter} }}` },
        timeout: { total: shape.timeout ? '20s' : '1h' },
      };
    }
    case 'map':
      return {
        kind: 'map',
        as: `item_${id}`,
        over: Array.from({ length: shape.size }, (_value, index) => index),
        maxParallel: shape.bound,
        ...(shape.timeout && { tolerate: { failures: shape.maxAttempts === 1 ? '50%' : shape.maxAttempts } }),
        nodes: inside(),
        output: '${{ index }}',
      };
    case 'loop':
      return {
        kind: 'loop',
        maxRounds: shape.bound,
        until: `\${{ round == ${shape.size} }}`,
        nodes: inside(),
        output: '${{ round }}',
        keep: { best: '${{ round % 2 }}' },
        ...(shape.timeout && exhaustionOf(shape, target)),
      };
    default: {
      const timeout: JsonObject = shape.timeout ? { timeout: { total: '20s' } } : {};
      return {
        kind: 'tool',
        with: { tool: 'echo', arguments: { when: '${{ run.id }}' } },
        retry: { maxAttempts: shape.maxAttempts },
        ...timeout,
      };
    }
  }
}

/** Fails a loop only where that does not fail the run. */
const exhaustionOf = ({ onError }: Shape, target: string | undefined): JsonObject =>
  target === undefined ? { onExhausted: onError === 'fail' ? 'continue' : 'fail' } : { onExhausted: { goto: target } };

/** What to do next: the kind of act, which task or timer, and how it ends. */
const acts = fc.array(
  fc.record({ act: fc.nat(99), which: fc.nat(1_000), random: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  { minLength: 1, maxLength: 60 },
);

interface Act {
  act: number;
  which: number;
  random: number;
}

interface History {
  readonly run: TestRun;
  readonly published: TaskToDo[];
  readonly timers: Timer[];
  /** What was published or set, as texts. */
  readonly known: Set<string>;
}

/** One step; the list of acts is gone through again and again, and past the first time every task succeeds, so that runs end. */
function step(
  { run, published, timers }: History,
  { act, which, random }: Act,
  turn: number,
  calm: boolean,
): NewRunEvent[] {
  run.random = random;
  const tasks = run.tasks();
  const task = tasks[which % Math.max(1, tasks.length)];
  const approvals = waitingForDecisions(run);
  const anyTask = published[which % Math.max(1, published.length)];
  const anyTimer = timers[which % Math.max(1, timers.length)];
  if (!calm && act < 2 && turn > 3) return run.cancel();
  if (!calm && act > 97) return run.pause();
  if (act > 90 || (calm && turn % 2 === 0)) {
    const resumed = run.resume();
    if (resumed.length > 0) return resumed;
  }
  if (!calm && act < 15 && anyTask) return run.result(anyTask.node, outcomeOf(act), anyTask.attempt);
  if (!calm && act < 30 && anyTimer) return run.fire(anyTimer);
  if (!calm && act < 45 && task) return run.result(task.node, outcomeOf(act), task.attempt);
  if (!calm && act < 55 && approvals.length > 0) {
    const by = { keyId: 'k', role: which % 2 === 0 ? 'admin' : 'editor' } as const;
    const node = which % 5 === 0 ? 'nowhere' : (approvals[which % approvals.length] ?? '');
    return run.decide(node, act % 2 === 0 ? 'approve' : 'reject', { by });
  }
  if (!calm && act < 60) return run.signal(`s${which % 5}`, which % 3 === 0 ? 'odd' : { turn }, `signal-${which % 40}`);
  if (task) return run.result(task.node, { status: 'completed', output: { turn } }, task.attempt);
  const [approval] = approvals;
  if (approval !== undefined) return run.decide(approval, 'approve', { by: { keyId: 'k', role: 'admin' } });
  const waiting = waitingForSignals(run)[0];
  if (waiting !== undefined) return run.signal(waiting, { turn: 2 * turn }, `calm-${turn}`);
  const due = run.timers().find(({ timer }) => timer === 'retry' || timer === 'wait');
  return due ? run.fire(due) : [];
}

/** The names of the signals that some node waits for. */
function waitingForSignals({ state }: TestRun): string[] {
  if (state.status !== 'running') return [];
  return [...state.nodes.entries()].flatMap(([, node]) =>
    node.status === 'running' && node.progress?.kind === 'wait' ? (node.progress.signal ?? []) : [],
  );
}

/** The paths of the nodes that wait for a decision. */
function waitingForDecisions({ state }: TestRun): string[] {
  if (state.status !== 'running') return [];
  return [...state.nodes.entries()].flatMap(([path, node]) =>
    node.status === 'running' && node.progress?.kind === 'approval' ? path : [],
  );
}

const outcomeOf = (act: number) =>
  act % 3 === 0
    ? ({ status: 'completed', output: null } as const)
    : ({ status: 'failed', error: { kind: 'unavailable', code: 'x', message: '', retryable: act % 3 === 1 } } as const);

/** `retries` are the places of the nodes from which the run goes on after each of its ends. */
function simulate(document: JsonObject, list: readonly Act[], retries: readonly number[] = []): History {
  const history: History = { run: new TestRun(document), published: [], timers: [], known: new Set() };
  const { run } = history;
  note(history, run.start());
  for (let turn = 0; turn < 5_000 && isRunning(run); turn += 1) {
    const act = list[turn % list.length];
    if (act) note(history, step(history, act, turn, turn > 300));
    if (turn % 50 === 0) expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
    goOn(history, retries);
  }
  return history;
}

const isRunning = ({ state }: TestRun): boolean => state.status === 'running';

/** Retries a run that has just ended, if it is to be retried once more. */
function goOn(history: History, retries: readonly number[]): void {
  const { run } = history;
  if (run.state.status === 'new' || run.state.status === 'running') return;
  const place = retries[run.state.retries.length];
  const { nodes } = run.graph.root;
  if (place !== undefined) note(history, run.retry(nodes[place % nodes.length]?.id));
}

/** Keeps what would be published and set after these events, and checks that nothing else is outstanding. */
function note({ run, published, timers, known }: History, events: readonly NewRunEvent[]): void {
  const tasks = run.tasksOf(events);
  const set = run.timersOf(events);
  published.push(...tasks);
  timers.push(...set);
  for (const task of tasks) known.add(keyOf(task));
  for (const timer of set) known.add(JSON.stringify(timer));
  const outstanding = [...run.tasks().map(keyOf), ...run.timers().map((timer) => JSON.stringify(timer))];
  expect(outstanding.filter((key) => !known.has(key))).toEqual([]);
  if (run.state.status === 'running' && run.state.pausedAt === null) expect(outstanding.length).toBeGreaterThan(0);
}

const keyOf = ({ node, attempt }: TaskToDo): string => `${node}:${attempt}`;

/** Every node of the document by its path's form without indexes: `n1.n4`. */
function nodesByForm(document: JsonObject): Map<string, Node> {
  const collect = (nodes: Node[], prefix: string): [string, Node][] =>
    nodes.flatMap((node) => [
      [prefix + node.id, node],
      ...(node.nodes ? collect(node.nodes, `${prefix}${node.id}.`) : []),
    ]);
  return new Map(collect(document['nodes'] as Node[], ''));
}

/** The ids of the nodes that run only where another one chooses them. */
function choosableIn(document: JsonObject): Set<string> {
  const chosenBy = (node: Node): string[] => [
    ...[node['onError'], node['onExhausted']].flatMap((way) =>
      typeof way === 'object' ? [(way as { goto: string }).goto] : [],
    ),
    ...((node['cases'] ?? []) as { then: string[] }[]).flatMap(({ then }) => then),
    ...((node['default'] ?? []) as string[]),
  ];
  return new Set([...nodesByForm(document).values()].flatMap(chosenBy));
}

const formOf = (path: string): string => path.replaceAll(/\[\d+\]/g, '');

function checkHistory(document: JsonObject, { run }: History): void {
  const { events } = run;
  expect(events[0]?.type).toBe('RunStarted');
  const retries = events.filter(({ type }) => type === 'RunRetried').length;
  expect(events.filter(({ type }) => terminal.has(type))).toHaveLength(1 + retries);
  expect(terminal.has(events.at(-1)?.type ?? '')).toBe(true);
  const forms = nodesByForm(document);
  const ended = new Set<string>();
  const attempts = new Map<string, number>();
  const rounds = new Map<string, number>();
  const received = new Set<string>();
  const consumed = new Set<string>();
  const decided = new Set<string>();
  /** `chooser>chosen`. */
  const choices = new Set<string>();
  const isChosen = (path: string): boolean => [...choices].some((choice) => choice.endsWith(`>${path}`));
  const earlier = new Map<string, number>();
  let isPaused = false;
  const choosable = choosableIn(document);
  for (const event of events) {
    if (event.type === 'RunRetried') {
      isPaused = false;
      for (const paths of [ended, decided, choices, rounds]) forget(paths, event.data.nodes);
      for (const [path, attempt] of attempts) earlier.set(path, attempt);
    }
    if (event.type === 'RunPaused' || event.type === 'RunResumed') isPaused = event.type === 'RunPaused';
    if (['NodeScheduled', 'NodeSkipped', 'LoopRoundStarted', 'RunCompleted'].includes(event.type))
      expect(isPaused).toBe(false);
    if (event.type === 'SignalReceived') {
      expect(received).not.toContain(event.data.id);
      received.add(event.data.id);
    }
    if (event.type === 'ApprovalDecided') {
      expect(decided).not.toContain(event.data.node);
      decided.add(event.data.node);
    }
    if (event.type === 'SignalConsumed') {
      expect(received).toContain(event.data.id);
      expect(consumed).not.toContain(event.data.id);
      consumed.add(event.data.id);
    }
    if (!('node' in event.data) || event.data.node === undefined || event.type === 'RunFailed') continue;
    const path = event.data.node;
    const node = forms.get(formOf(path));
    if (!node) throw new Error(`No node ${path}`);
    if (event.type === 'NodeScheduled' || event.type === 'NodeSkipped') {
      const prefix = path.slice(0, path.length - node.id.length);
      for (const need of node.needs) expect(ended).toContain(prefix + need);
    }
    if (event.type === 'NodeCompleted' && node.kind === 'branch') {
      const prefix = path.slice(0, path.length - node.id.length);
      for (const id of (event.data.output as { chosen: string[] }).chosen) choices.add(`${path}>${prefix}${id}`);
    }
    if (event.type === 'NodeFailed' && event.data.goto !== undefined)
      choices.add(`${path}>${path.slice(0, path.length - node.id.length)}${event.data.goto}`);
    if (event.type === 'NodeSkipped' && event.data.reason === 'not-chosen') expect(isChosen(path)).toBe(false);
    if (event.type === 'NodeScheduled' && choosable.has(node.id)) expect(isChosen(path)).toBe(true);
    if (event.type === 'NodeScheduled') {
      expect(event.data.attempt).toBe((attempts.get(path) ?? 0) + 1);
      attempts.set(path, event.data.attempt);
      expect(event.data.attempt - (earlier.get(path) ?? 0)).toBeLessThanOrEqual(
        node.kind === 'tool' ? ((node['retry'] as JsonObject)['maxAttempts'] as number) : 1,
      );
    }
    if (event.type === 'LoopRoundStarted') {
      expect(event.data.round).toBe((rounds.get(path) ?? -1) + 1);
      rounds.set(path, event.data.round);
      expect(event.data.round).toBeLessThan(node['maxRounds'] as number);
    }
    if (endings.has(event.type)) {
      expect(ended).not.toContain(path);
      ended.add(path);
    }
  }
}

/** Takes out what a retry lets run again. */
function forget(paths: Set<string> | Map<string, number>, ids: readonly string[]): void {
  for (const path of [...paths.keys()]) if (ids.includes(path.split(/[[>]/, 1)[0] ?? path)) paths.delete(path);
}

/** Items of a map that have begun and not ended never exceed its bound. */
function checkParallel(document: JsonObject, { run }: History): void {
  const forms = nodesByForm(document);
  const replay = new TestRun(document);
  for (const event of run.events) {
    replay.state = evolve(replay.graph, replay.state, event);
    if (replay.state.status !== 'running') continue;
    for (const [path, state] of replay.state.nodes.entries()) {
      if (state.status !== 'running' || state.progress?.kind !== 'map') continue;
      const bound = forms.get(formOf(path))?.['maxParallel'] as number;
      expect(state.progress.started - state.progress.finished).toBeLessThanOrEqual(bound);
    }
  }
}

describe('simulation', () => {
  it('generates graphs that can be published', () => {
    fc.assert(
      fc.property(shapes(2), (list) => expect(validateGraph(documentOf(list))).not.toHaveProperty('violations')),
    );
  });

  it('every history ends once in each generation, and in order', () => {
    fc.assert(
      fc.property(shapes(2), acts, fc.array(fc.nat(20), { maxLength: 3 }), (list, turns, retries) => {
        const document = documentOf(list);
        const history = simulate(document, turns, retries);
        checkHistory(document, history);
        expect(snapshotOf(history.run.refolded())).toEqual(snapshotOf(history.run.state));
      }),
      { numRuns: 300 },
    );
  });

  it('maps keep to their bound', () => {
    const maps = shapes(2).filter((list) => list.some(({ kind, when }) => kind === 'map' && when !== false));
    fc.assert(
      fc.property(maps, acts, (list, turns) => {
        const document = documentOf(list);
        checkParallel(document, simulate(document, turns));
      }),
      { numRuns: 50 },
    );
  });

  it('without failures every history of a graph ends with the same output', () => {
    const calm = fc.array(fc.record({ act: fc.constant(99), which: fc.nat(1_000), random: fc.constant(0) }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(shapes(2).filter(isSound), calm, calm, (list, one, other) => {
        const document = { ...documentOf(list), output: outputOf(list) };
        const views = [one, other].map((turns) => simulate(document, turns).run.view());
        expect(views[0]?.output).toEqual(views[1]?.output);
        expect(views.map(({ status }) => status)).toEqual(['completed', 'completed']);
      }),
      { numRuns: 100 },
    );
  });

  function isSound(list: readonly Shape[]): boolean {
    return list.every(({ kind, inside }) => kind !== 'broken' && isSound(inside));
  }

  function outputOf(list: readonly Shape[]): JsonValue {
    return (documentOf(list)['nodes'] as Node[]).map(({ id }) => `\${{ nodes.${id}.status }}`);
  }
});
