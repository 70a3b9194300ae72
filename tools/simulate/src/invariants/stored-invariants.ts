/** What is stored beside the events of a run follows from them. Each gives what is wrong after a batch, or nothing. */
import { eventWaitsOf, slotRequestsOf, threadPlaceOf, timersOf, viewOf, type ThreadPlace } from '@millrace/workflow';
import { runText, type Tables } from '../database/tables.js';
import type { RunHistory } from './run-history.js';

export interface StoredInvariant {
  readonly invariant: string;
  readonly says: string;
  readonly broken: (run: RunHistory, tables: Tables) => string | undefined;
}

/** What of one table belongs to the run is what the run's state asks for. */
const sameRows =
  (wanted: (run: RunHistory) => readonly string[], stored: (run: RunHistory, tables: Tables) => readonly string[]) =>
  (run: RunHistory, tables: Tables): string | undefined => {
    const [is, shouldBe] = [stored(run, tables).toSorted().join(), wanted(run).toSorted().join()];
    return is === shouldBe ? undefined : `${is} for ${shouldBe}`;
  };

const rowsOf = <Row extends { readonly tenantId: string; readonly runId: string }>(
  run: RunHistory,
  rows: ReadonlyMap<string, Row>,
): Row[] => (rows.size === 0 ? [] : [...rows.values()].filter((row) => runText(row) === run.text));

interface NodeRow {
  readonly node: string;
  readonly attempt: number;
}
const timerOf = ({ node, attempt, timer, dueAt }: NodeRow & { timer: string; dueAt: string }): string =>
  `${timer} of ${node}:${attempt} at ${dueAt}`;
const waitOf = ({ node, attempt, subject }: NodeRow & { subject: string }): string =>
  `${subject} for ${node}:${attempt}`;

const placeOf = ({ threadId, generation, isTaken }: ThreadPlace): string => `${threadId} ${generation} ${isTaken}`;

const isEnded = ({ state }: RunHistory): boolean => state.status !== 'new' && state.status !== 'running';

export const storedInvariants: readonly StoredInvariant[] = [
  {
    invariant: 'timers',
    says: 'the timers stored are those that the run waits for',
    broken: sameRows(
      ({ graph, state }) => timersOf(graph, state).map(timerOf),
      (run, tables) => tables.timersOf(run.text).map(timerOf),
    ),
  },
  {
    invariant: 'concurrency',
    says: 'the requests for room stored are those of the run',
    broken: sameRows(
      ({ graph, state }) =>
        slotRequestsOf(graph, state).map(({ node, attempt, isTaken }) => `${node}:${attempt} ${isTaken}`),
      (run, { slots }) => rowsOf(run, slots).map(({ node, attempt, taken }) => `${node}:${attempt} ${taken}`),
    ),
  },
  {
    invariant: 'threads',
    says: 'the place in line that is stored is that of the run',
    broken: sameRows(
      ({ state }) => [threadPlaceOf(state)].flatMap((place) => (place === null ? [] : [placeOf(place)])),
      (run, { threads: { places } }) =>
        rowsOf(run, places)
          .filter(({ stored }) => stored)
          .map(({ taken, ...place }) => placeOf({ ...place, isTaken: taken })),
    ),
  },
  {
    invariant: 'events',
    says: 'the waits for events stored are those of the run',
    broken: sameRows(
      ({ graph, state }) => eventWaitsOf(graph, state).map(waitOf),
      (run, { eventWaits }) => rowsOf(run, eventWaits).map(waitOf),
    ),
  },
  {
    invariant: 'I1',
    says: "a run's row says how it ended",
    broken: (run, tables) => {
      const row = tables.runs.get(run.text);
      const isRight =
        isEnded(run) === (row?.finishedAt !== null) && (!isEnded(run) || row?.status === run.state.status);
      return isRight ? undefined : `it is ${row?.status}, and folds to ${run.state.status}`;
    },
  },
  {
    invariant: 'I2',
    says: "a run's row is the fold of its events",
    broken: (run, tables) => {
      const row = tables.runs.get(run.text);
      if (!isEnded(run) || row === undefined || run.state.status === 'new') return undefined;
      const { output, usage, steps } = viewOf(run.graph, run.state);
      const texts = [row.output ?? 'null', row.usage, row.steps ?? ''].map((text) => JSON.parse(text) as unknown);
      return JSON.stringify(texts) === JSON.stringify([output, usage, steps]) ? undefined : 'another is stored';
    },
  },
  {
    invariant: 'I1',
    says: 'an ended run asks for no decision',
    broken: (run, { approvals }) =>
      isEnded(run) ? rowsOf(run, approvals).find(({ status }) => status === 'pending')?.node : undefined,
  },
];
