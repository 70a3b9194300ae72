/** What a turn changes of its run's thread: its place in line, and what the thread remembers. Pure. */
import type { RunEvent } from '@millrace/contracts';
import { threadPlaceOf, type ThreadPlace } from '@millrace/workflow';
import type { HotRun, RunKey } from '../run/hot-run.js';

export interface ThreadChanges {
  /** A place that the run came to, or of which it knows now that it is its turn. */
  readonly set: ThreadPlace | null;
  readonly left: ThreadPlace | null;
  /** What is merged into the thread's state, as JSON text. */
  readonly patch: { readonly threadId: string; readonly json: string } | null;
}

/** Compares the place that is stored for a run with that which its state asks for, and remembers the latter. Null where nothing changes. */
export function threadChanges(
  run: HotRun | null,
  events: readonly { readonly event: RunEvent }[],
): ThreadChanges | null {
  const threadId = run?.origin.thread;
  if (run === null || events.length === 0 || threadId === undefined) return null;
  const before = run.place ?? keptPlace(threadId, events);
  const after = run.ended ? null : threadPlaceOf(run.state);
  run.place = after;
  const isSame = before?.generation === after?.generation;
  const patch = patchIn(threadId, events);
  const set = after === null || (isSame && before?.isTaken === after.isTaken && !isNew(events)) ? null : after;
  const left = before === null || isSame ? null : before;
  return set === null && left === null && patch === null ? null : { set, left, patch };
}

const isNew = (events: readonly { readonly event: RunEvent }[]): boolean => events[0]?.event.position === 1;

/** A place is kept for a run before it is stored. */
const keptPlace = (threadId: string, events: readonly { readonly event: RunEvent }[]): ThreadPlace | null =>
  isNew(events) ? { threadId, generation: 0, isTaken: false } : null;

function patchIn(threadId: string, events: readonly { readonly event: RunEvent }[]): ThreadChanges['patch'] {
  for (const { event } of events) {
    if (event.type === 'RunCompleted' && event.data.threadPatch !== undefined)
      return { threadId, json: JSON.stringify(event.data.threadPatch) };
  }
  return null;
}

interface PlaceRow {
  partition: number;
  tenantId: string;
  runId: string;
  generation: number;
  threadId: string;
  taken: boolean;
}

interface PatchRow {
  partition: number;
  tenantId: string;
  runId: string;
  threadId: string;
  patch: string;
  at: string;
}

type Columns<Row> = { [Column in keyof Row]: Row[Column][] };

/** The rows of a batch as columns. */
export interface ThreadRows {
  readonly set: Columns<PlaceRow>;
  readonly left: Columns<PlaceRow>;
  readonly patches: Columns<PatchRow>;
}

interface ChangingTurn {
  readonly key: RunKey;
  readonly at: string;
  readonly thread: ThreadChanges | null;
}

/** Null where no turn changes anything of a thread, as in most batches. */
export function threadRows(turns: readonly ChangingTurn[]): ThreadRows | null {
  if (turns.every(({ thread }) => thread === null)) return null;
  const places = (of: 'set' | 'left'): Columns<PlaceRow> => {
    const rows = turns.flatMap(({ key, thread }) => (thread?.[of] ? [{ key, place: thread[of] }] : []));
    return {
      partition: rows.map(({ key }) => key.partition),
      tenantId: rows.map(({ key }) => key.tenantId),
      runId: rows.map(({ key }) => key.runId),
      generation: rows.map(({ place }) => place.generation),
      threadId: rows.map(({ place }) => place.threadId),
      taken: rows.map(({ place }) => place.isTaken),
    };
  };
  const patches = turns.flatMap(({ key, at, thread }) => (thread?.patch ? [{ key, at, ...thread.patch }] : []));
  return {
    set: places('set'),
    left: places('left'),
    patches: {
      partition: patches.map(({ key }) => key.partition),
      tenantId: patches.map(({ key }) => key.tenantId),
      runId: patches.map(({ key }) => key.runId),
      threadId: patches.map(({ threadId }) => threadId),
      patch: patches.map(({ json }) => json),
      at: patches.map(({ at }) => at),
    },
  };
}
