/** Lines at threads, by the product's own rules, one thread at a time; and what threads remember. */
import { mergePatch } from '@millrace/workflow';
import type { JsonObject } from '@millrace/kernel';
import { admission, nextInLine, type OrchestratorStores, type PlaceInLine } from '@millrace/orchestrator/core';
import type { Ask } from './stores.js';
import { runText, type BatchRows, type Row, type Tables } from './tables.js';

type Places = NonNullable<BatchRows['threads']>;
type PlaceRow = Row<Places['set']>;

export interface StoredPlace {
  readonly tenantId: string;
  readonly threadId: string;
  readonly runId: string;
  readonly partition: number;
  readonly generation: number;
  readonly interrupts: boolean;
  readonly keptAt: number;
  readonly stored: boolean;
  readonly taken: boolean;
  readonly granted: boolean;
}

interface StoredThread {
  readonly version: number;
  readonly state: JsonObject;
}

/** As long as the SQL keeps a place. */
const keptMs = 30_000;
const placeText = (row: { tenantId: string; runId: string; generation: number }): string =>
  `${runText(row)}/${row.generation}`;
const threadText = ({ tenantId, threadId }: { tenantId: string; threadId: string }): string =>
  `${tenantId}/${threadId}`;

export class ThreadTables {
  /** In the order of arrival. */
  readonly places = new Map<string, StoredPlace>();
  readonly threads = new Map<string, StoredThread>();

  commit({ set, left, patches }: Places, isHeld: (row: { readonly partition: number }) => boolean, now: number): void {
    for (const row of rowsIn<PlaceRow>(left).filter(isHeld)) this.places.delete(placeText(row));
    for (const row of rowsIn<PlaceRow>(set).filter(isHeld)) {
      const before = this.places.get(placeText(row)) ?? { interrupts: false, keptAt: now, granted: false };
      this.places.set(placeText(row), { ...before, ...row, stored: true });
    }
    for (const row of rowsIn<Row<Places['patches']>>(patches).filter(isHeld)) {
      const { version, state } = this.threadOf(row);
      const patched = mergePatch(state, JSON.parse(row.patch) as JsonObject);
      this.threads.set(threadText(row), { version: version + 1, state: patched });
    }
  }

  threadOf(thread: { tenantId: string; threadId: string }): StoredThread {
    return this.threads.get(threadText(thread)) ?? { version: 0, state: {} };
  }

  lineAt(thread: { tenantId: string; threadId: string }, now: number): (StoredPlace & PlaceInLine)[] {
    return [...this.places.values()]
      .filter((place) => threadText(place) === threadText(thread) && (place.stored || place.keptAt > now - keptMs))
      .map((place) => ({ ...place, isStored: place.stored, isUnderWay: place.granted }));
  }
}

function rowsIn<AnyRow extends object>(columns: { [Column in keyof AnyRow]: AnyRow[Column][] }): AnyRow[] {
  const names = Object.keys(columns) as (keyof AnyRow)[];
  const [first] = names;
  if (first === undefined) return [];
  return columns[first].map((_, at) => Object.fromEntries(names.map((name) => [name, columns[name][at]])) as AnyRow);
}

export const threadStore = (ask: Ask, { threads, runs }: Tables, now: () => number): OrchestratorStores['threads'] => ({
  admit: ({ tenantId, runId, partition }, { threadId, onBusy }) =>
    ask('admit to thread', () => {
      const text = placeText({ tenantId, runId, generation: 0 });
      if (runs.has(runText({ tenantId, runId })) || threads.places.has(text)) return { kind: 'admitted' };
      const decided = admission(threads.lineAt({ tenantId, threadId }, now()), onBusy);
      const kept = { tenantId, threadId, runId, partition, generation: 0, interrupts: onBusy === 'interrupt' };
      if (decided.kind === 'admitted')
        threads.places.set(text, { ...kept, keptAt: now(), stored: false, taken: false, granted: false });
      return decided;
    }),
  withdraw: ({ tenantId, runId }) =>
    ask('withdraw from thread', () => {
      const text = placeText({ tenantId, runId, generation: 0 });
      if (threads.places.get(text)?.stored === false) threads.places.delete(text);
    }),
  next: (thread) =>
    ask('next turn', () => {
      const { next, interrupted, interruptedBy } = nextInLine(threads.lineAt(thread, now()));
      const interruptions = interrupted.map((place) => ({ key: keyOf(place), by: interruptedBy?.runId ?? '' }));
      const place = next === null ? undefined : threads.places.get(placeText(next));
      if (place === undefined) return { turn: null, interrupted: interruptions };
      threads.places.set(placeText(place), { ...place, granted: true });
      return { turn: turnOf(threads, place), interrupted: interruptions };
    }),
  open: (partitions) =>
    ask('open turns', () => {
      const open = [...threads.places.values()].filter(
        ({ partition, stored, taken }) => partitions.includes(partition) && stored && !taken,
      );
      const waiting = open.filter(({ granted }) => !granted);
      return {
        turns: open.filter(({ granted }) => granted).map((place) => turnOf(threads, place)),
        waiting: waiting.map(({ tenantId, threadId }) => ({ tenantId, threadId })),
      };
    }),
});

const keyOf = ({ tenantId, runId, partition }: StoredPlace) => ({ tenantId, runId, partition });
const turnOf = (threads: ThreadTables, place: StoredPlace) => ({
  key: keyOf(place),
  generation: place.generation,
  ...threads.threadOf(place),
});

/** Nobody of the simulation asks for a thread itself. */
export const threadStateStore = (): OrchestratorStores['threadStates'] => {
  const unasked = () => Promise.reject(new Error('The simulation asks for no thread.'));
  return { find: unasked, list: unasked, state: unasked, history: unasked, change: unasked, delete: unasked };
};
