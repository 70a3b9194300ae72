/** What the orchestrator asks of its database, as far as it matters to it: everything that stands between its decisions and SQL. */
import type { Database } from '@millrace/database';
import { ApprovalReader } from '../approval/approval.reader.js';
import { SlotStore } from '../concurrency/slot.store.js';
import { EventWaitStore } from '../event-wait/event-wait.store.js';
import type { GraphLibrary } from '../graph/graph-library.js';
import { GraphStore } from '../graph/graph.store.js';
import { OutputStore } from '../output-cache/output.store.js';
import { LeaseStore } from '../partition/lease.store.js';
import { RemovalStore } from '../retention/removal.store.js';
import { RunReader } from '../run/run.reader.js';
import { RunStore } from '../run/run.store.js';
import { ScheduleStore } from '../schedule/schedule.store.js';
import { TimerStore } from '../timer/timer.store.js';
import { ThreadStateStore } from '../thread/thread-state.store.js';
import { ThreadStore } from '../thread/thread.store.js';
import type { OrchestratorTables } from './tables.js';

/** What a class does for others, without how. */
type Port<Class> = Pick<Class, keyof Class>;

export interface OrchestratorStores {
  readonly runs: Port<RunStore>;
  readonly graphs: Port<GraphStore>;
  readonly timers: Port<TimerStore>;
  readonly eventWaits: Port<EventWaitStore>;
  readonly slots: Port<SlotStore>;
  readonly threads: Port<ThreadStore>;
  readonly threadStates: Port<ThreadStateStore>;
  readonly outputs: Port<OutputStore>;
  readonly schedules: Port<ScheduleStore>;
  readonly approvals: Port<ApprovalReader>;
  readonly removals: Port<RemovalStore>;
  /** The leases as one replica sees them. */
  leases(replica: string, ttlMs: number): Port<LeaseStore>;
  reader(graphs: GraphLibrary): Port<RunReader>;
}

/** The stores in a real database. */
export const storesIn = (database: Database<OrchestratorTables>): OrchestratorStores => ({
  runs: new RunStore(database),
  graphs: new GraphStore(database),
  timers: new TimerStore(database),
  eventWaits: new EventWaitStore(database),
  slots: new SlotStore(database),
  threads: new ThreadStore(database),
  threadStates: new ThreadStateStore(database),
  outputs: new OutputStore(database),
  schedules: new ScheduleStore(database),
  approvals: new ApprovalReader(database),
  removals: new RemovalStore(database),
  leases: (replica, ttlMs) => new LeaseStore(database, replica, ttlMs),
  reader: (graphs) => new RunReader(database, graphs),
});
