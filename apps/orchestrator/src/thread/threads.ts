/** What tenants do with their threads. */
import type { Thread, ThreadState, ThreadVersion } from '@millrace/contracts';
import { MillraceError, notFound, type Clock, type JsonObject } from '@millrace/kernel';
import { patchedState } from '@millrace/workflow';
import { threadBusy } from './thread-lines.js';
import type { StateRow, ThreadCursor, ThreadRow, ThreadStateStore } from './thread-state.store.js';

/** Characters of JSON in a page of a history: a page travels as one message. */
const mostCharacters = 600_000;

export interface HistoryPage {
  readonly items: readonly ThreadVersion[];
  /** The version behind which the next page begins. */
  readonly next: number | null;
}

export class Threads {
  constructor(
    private readonly store: Pick<ThreadStateStore, keyof ThreadStateStore>,
    private readonly clock: Clock,
  ) {}

  /** @throws MillraceError `unknown_thread` */
  async get(tenantId: string, id: string): Promise<Thread> {
    const row = await this.store.find(tenantId, id);
    if (row === undefined) throw unknown(id);
    return shown(row);
  }

  async list(tenantId: string, after: ThreadCursor | null, limit: number): Promise<Thread[]> {
    return (await this.store.list(tenantId, after, limit)).map(shown);
  }

  /** @throws MillraceError `unknown_thread` */
  async state(tenantId: string, id: string): Promise<ThreadState> {
    const row = await this.store.state(tenantId, id);
    if (row === undefined) throw unknown(id);
    return shownState(row);
  }

  /**
   * Merges into a thread's state, if it is of a version; null takes any. Version 0 begins a thread.
   * @throws MillraceError `unknown_thread`, `thread_version_mismatch`, and as `patchedState`
   */
  async patch(
    tenantId: string,
    id: string,
    { patch, version }: { readonly patch: JsonObject; readonly version: number | null },
  ): Promise<ThreadState> {
    const change = (before: StateRow, isThere: boolean): JsonObject => {
      if (!isThere && version === null) throw unknown(id);
      if (version !== null && version !== before.version) throw mismatch(id, before.version);
      return patchedState(before.state, patch);
    };
    return shownState(await this.store.change(tenantId, id, { now: this.clock.now(), change }));
  }

  /** The states before a version, newest first. @throws MillraceError `unknown_thread` */
  async history(
    tenantId: string,
    id: string,
    { before, limit }: { readonly before: number | null; readonly limit: number },
  ): Promise<HistoryPage> {
    const rows = await this.store.history(tenantId, id, { before, limit: limit + 1 });
    if (rows === undefined) throw unknown(id);
    const items: ThreadVersion[] = [];
    let characters = 0;
    for (const { version, state, runId, at } of rows.slice(0, limit)) {
      characters += JSON.stringify(state).length;
      if (items.length > 0 && characters > mostCharacters) break;
      items.push({ version, state, runId, at: at.toISOString() });
    }
    return { items, next: items.length < rows.length ? (items.at(-1)?.version ?? null) : null };
  }

  /** @throws MillraceError `unknown_thread`, `thread_busy` */
  async delete(tenantId: string, id: string): Promise<void> {
    const outcome = await this.store.delete(tenantId, id);
    if (outcome.kind === 'unknown') throw unknown(id);
    if (outcome.kind === 'busy') throw threadBusy(id, outcome.runId);
  }
}

const shown = ({ createdAt, updatedAt, ...row }: ThreadRow): Thread => ({
  ...row,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
});

const shownState = ({ version, state, updatedAt }: StateRow): ThreadState => ({
  version,
  state,
  updatedAt: updatedAt.toISOString(),
});

const unknown = (id: string) => notFound('unknown_thread', `There is no thread ${id}.`);

function mismatch(id: string, version: number): MillraceError {
  const message = `The state of the thread ${id} is of version ${version} now. Read it, and change what is there.`;
  return new MillraceError('conflict', 'thread_version_mismatch', message);
}
