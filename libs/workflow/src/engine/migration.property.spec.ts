/**
 * Random graphs, random histories, and another version with random changes at a random moment. Where a run may move, nothing is done
 * twice or lost, and everything begins in the order that the other version wants.
 */
import { describe, expect, it } from '@jest/globals';
import type { NewRunEvent } from '@millrace/contracts';
import { MillraceError, type JsonObject } from '@millrace/kernel';
import fc from 'fast-check';
import { validateGraph } from '../document/validate.js';
import { completed, failed, graphOf, snapshotOf, TestRun, tool } from '../testing/test-run.js';

type Node = JsonObject & { id: string; kind: string; needs: string[] };

interface Shape {
  readonly kind: 'tool' | 'transform' | 'map' | 'loop' | 'wait' | 'branch';
  readonly needs: readonly number[];
  readonly flavour: number;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constantFrom('tool', 'tool', 'transform', 'map', 'loop', 'wait', 'branch'),
  needs: fc.array(fc.nat(8), { maxLength: 3 }),
  flavour: fc.nat(2),
});

/** A change to make to one node of a list, or a node to add. */
const change = fc.record({
  what: fc.constantFrom('add', 'add', 'remove', 'flavour', 'kind', 'needs'),
  place: fc.nat(8),
  shape,
});
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

interface Named {
  readonly id: string;
  readonly shape: Shape;
}

function documentOf(list: readonly Named[]): JsonObject {
  const needsOf = (index: number): string[] =>
    index === 0 ? [] : [...new Set((list[index]?.shape.needs ?? []).map((need) => list[need % index]?.id ?? ''))];
  const nodes = list.map(({ id, shape: each }, index): Node => {
    const dependents = list.flatMap((other, place) => (needsOf(place).includes(id) ? [other.id] : []));
    return { id, needs: needsOf(index), ...fieldsOf(each, id, dependents) };
  });
  return graphOf(nodes);
}

function fieldsOf({ kind, flavour }: Shape, id: string, dependents: readonly string[]): JsonObject & { kind: string } {
  const { id: _id, ...work } = tool('', {
    with: { tool: `echo${flavour}` },
    onError: 'continue',
    retry: { maxAttempts: 2 },
  });
  switch (kind) {
    case 'tool':
      return { ...work, kind: 'tool' };
    case 'transform':
      return { kind: 'transform', output: flavour === 0 ? 'text' : flavour };
    case 'map':
      return { kind: 'map', over: [1, 2], as: 'item', nodes: [{ ...work, id: `${id}-in` }] };
    case 'loop':
      return { kind: 'loop', maxRounds: 1 + flavour, nodes: [{ ...work, id: `${id}-in` }] };
    case 'wait':
      return { kind: 'wait', signal: { name: `s${flavour}` }, timeout: { total: '1h' } };
    case 'branch':
      if (dependents.length === 0) return { kind: 'transform', output: true };
      return {
        kind: 'branch',
        cases: [{ when: flavour > 0, then: dependents.slice(0, 1) }],
        default: dependents.slice(1),
      };
  }
}

function changed(list: readonly Named[], changes: readonly Change[]): Named[] {
  return changes.reduce<Named[]>(
    (before, { what, place, shape: given }, index) => {
      const at = place % before.length;
      const target = before[at];
      if (target === undefined || what === 'add') return [...before, { id: `added${index}`, shape: given }];
      if (what === 'remove') return before.length === 1 ? before : before.toSpliced(at, 1);
      const { kind, needs, flavour } = what === 'kind' ? given : target.shape;
      const other = {
        kind,
        needs: what === 'needs' ? given.needs : needs,
        flavour: what === 'flavour' ? given.flavour : flavour,
      };
      return before.toSpliced(at, 1, { id: target.id, shape: other });
    },
    [...list],
  );
}

const isOnlyAddedTo = (first: JsonObject, second: JsonObject): boolean => {
  const there = new Set((second['nodes'] as Node[]).map((node) => JSON.stringify(node)));
  return (first['nodes'] as Node[]).every((node) => there.has(JSON.stringify(node)));
};

const isValid = (document: JsonObject): boolean => 'graph' in validateGraph(document);

const steps = fc.array(fc.nat(99), { maxLength: 12 });

/** Answers one task, sends a signal or lets a retry begin, as the number says. */
function step(run: TestRun, number: number): boolean {
  if (run.state.status !== 'running') return false;
  const [tasks, timers] = [run.tasks(), run.timers().filter(({ timer }) => timer === 'retry')];
  const waits = [...run.state.nodes.entries()].filter(
    ([, node]) => node.status === 'running' && node.progress?.kind === 'wait',
  );
  const choices = tasks.length + timers.length + waits.length;
  if (choices === 0) return false;
  const chosen = number % choices;
  const task = tasks[chosen];
  const timer = timers[chosen - tasks.length];
  if (task) run.result(task.node, number % 7 === 0 ? failed() : completed({ of: task.node }));
  else if (timer) run.fire(timer);
  else {
    const wait = waits[chosen - tasks.length - timers.length]?.[1];
    const name = wait?.status === 'running' && wait.progress?.kind === 'wait' ? wait.progress.signal : undefined;
    run.signal(name ?? 's0');
  }
  return true;
}

const list = fc
  .array(shape, { minLength: 1, maxLength: 7 })
  .map((shapes) => shapes.map((each, index): Named => ({ id: `n${index}`, shape: each })));

/** For every node of the graph itself that began or was skipped: what it needs had ended then, or when the run moved. */
function assertOrder(run: TestRun): void {
  const endedAt = new Map<string, number>();
  const begunAt = new Map<string, number>();
  run.events.forEach((event: NewRunEvent, index) => {
    if (event.type === 'NodeScheduled' && !begunAt.has(event.data.node)) begunAt.set(event.data.node, index);
    if (event.type === 'NodeSkipped') begunAt.set(event.data.node, index);
    if (event.type === 'NodeCompleted' || event.type === 'NodeFailed' || event.type === 'NodeSkipped')
      endedAt.set(event.data.node, index);
  });
  const movedAt = run.events.findIndex(({ type }) => type === 'RunMigrated');
  for (const { id, needs } of run.document['nodes'] as Node[]) {
    const begun = begunAt.get(id);
    const latest = Math.max(begun ?? 0, movedAt);
    for (const need of begun === undefined ? [] : needs)
      expect([id, need, (endedAt.get(need) ?? Infinity) < latest]).toEqual([id, need, true]);
  }
}

describe('a run that moves at any moment to any other version', () => {
  it('goes on in its order, does nothing twice, loses nothing, and ends', () => {
    let moves = 0;
    fc.assert(
      fc.property(
        list,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        steps,
        fc.boolean(),
        fc.nat(99),
        (base, changes, before, pauses, seed) => {
          const [first, second] = [documentOf(base), documentOf(changed(base, changes))];
          fc.pre(isValid(first) && isValid(second));
          const run = new TestRun(first);
          run.start();
          if (pauses) run.pause();
          for (const number of before) step(run, number);
          fc.pre(run.state.status === 'running');
          const [tasks, done] = [
            run.tasks(),
            new Set(run.events.flatMap((event) => (event.type === 'NodeCompleted' ? [event.data.node] : []))),
          ];
          const position = run.events.length;
          try {
            run.migrate(second);
          } catch (error) {
            if (!(error instanceof MillraceError)) throw error;
            expect(error.code).toBe('migration_refused');
            expect(error.violations.length).toBeGreaterThan(0);
            // What is only added to is never refused.
            expect(isOnlyAddedTo(first, second)).toBe(false);
            return;
          }
          moves += 1;
          expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
          // Whatever was under way still is, with the same task.
          expect(
            run.state.status !== 'running' ||
              tasks.every((task) => run.tasks().some((other) => JSON.stringify(other) === JSON.stringify(task))),
          ).toBe(true);
          if (pauses) run.resume();
          let number = seed;
          while (step(run, number)) number = (number * 31 + 7) % 101;
          expect(run.state.status).not.toBe('running');
          expect(snapshotOf(run.refolded())).toEqual(snapshotOf(run.state));
          const again = run.events
            .slice(position)
            .flatMap((event) => (event.type === 'NodeScheduled' ? [event.data.node] : []));
          expect(again.filter((node) => done.has(node))).toEqual([]);
          if (run.view().status === 'completed')
            expect(run.view().steps.filter(({ status }) => status === 'pending' || status === 'running')).toEqual([]);
          assertOrder(run);
        },
      ),
      { numRuns: 1_500 },
    );
    expect(moves).toBeGreaterThan(100);
  });
});
