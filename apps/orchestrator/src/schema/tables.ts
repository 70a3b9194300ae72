/** The orchestrator's tables, as its migrations leave them. */
import type {
  ApprovalStatus,
  DecidedBy,
  GraphIdentity,
  Run,
  RunEventType,
  RunStatus,
  ScheduleSpec,
  Step,
  Usage,
} from '@millrace/contracts';
import type { JsonObject, JsonValue } from '@millrace/kernel';
import type { TimerKind } from '@millrace/workflow';
import type { ColumnType, Generated } from 'kysely';

/** Written as JSON text, read as the parsed value. */
type Json<Value> = ColumnType<Value, string, string>;

interface GraphVersionTable {
  tenant_id: string;
  name: string;
  version: number;
  digest: string;
  /** `inline` documents came with a run: they are kept for it, and no list or name lookup shows them. */
  origin: 'published' | 'inline';
  description: string;
  document: Json<JsonObject>;
  created_at: Generated<Date>;
}

/** The read model of a run, written when the run starts, is paused or resumed, and ends; what happens between follows from its events. */
export interface RunTable {
  tenant_id: string;
  run_id: string;
  partition: number;
  graph_name: GraphIdentity['name'];
  graph_version: GraphIdentity['version'];
  graph_digest: GraphIdentity['digest'];
  thread_id: string | null;
  status: RunStatus;
  input: Json<JsonObject>;
  output: Json<JsonValue> | null;
  error: Json<NonNullable<Run['error']>> | null;
  usage: Json<Usage>;
  /** Null until the run has ended: the steps of a running run are folded from its events. */
  steps: Json<Step[]> | null;
  /** Position of the last event when the row was written. */
  last_position: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface RunEventTable {
  tenant_id: string;
  run_id: string;
  position: number;
  type: RunEventType;
  data: Json<JsonObject>;
  at: Date;
  /** The span that decided it, as W3C trace context. */
  traceparent: string | null;
}

/** The read model of an approval, written when it is asked for and when it is decided or cancelled. */
export interface ApprovalTable {
  tenant_id: string;
  approval_id: string;
  run_id: string;
  graph_name: GraphIdentity['name'];
  graph_version: GraphIdentity['version'];
  graph_digest: GraphIdentity['digest'];
  node: string;
  /** Which attempt of the node asks. */
  attempt: Generated<number>;
  status: ApprovalStatus;
  title: string;
  context: Json<JsonValue>;
  assignees: Json<string[]>;
  form: Json<JsonObject>;
  requested_at: Date;
  deadline_at: Date;
  decided_at: Date | null;
  decided_by: Json<DecidedBy> | null;
  data: Json<JsonObject> | null;
}

interface RunTimerTable {
  tenant_id: string;
  run_id: string;
  node: string;
  attempt: number;
  timer: TimerKind;
  partition: number;
  due_at: Date;
  /** The span that set it, as W3C trace context. */
  traceparent: string | null;
  set_at: Date | null;
}

interface EventWaitTable {
  tenant_id: string;
  run_id: string;
  node: string;
  attempt: number;
  partition: number;
  /** Behind `evt.<tenant>.`; may hold wildcards. */
  subject: string;
  /** The stream, and the last sequence in it when the waiting began. */
  stream: string;
  after_sequence: number;
}

/** A node that waits for room at shared keys, or holds them. */
interface SlotRequestTable {
  tenant_id: string;
  run_id: string;
  node: string;
  attempt: number;
  partition: number;
  /** `limits[i]` is how many may hold `keys[i]`. */
  keys: string[];
  limits: number[];
  requested_at: Date;
  granted_at: Date | null;
  /** Whether the run knows that it was granted. */
  taken: Generated<boolean>;
}

interface ScheduleTable {
  tenant_id: string;
  schedule_id: string;
  spec: Json<ScheduleSpec>;
  /** The fire time that comes next; null while it is paused. */
  next_at: Date | null;
  /** Whether that time has come and waits for the run of before. */
  waiting: Generated<boolean>;
  /** The fire time that was dealt with last, its run, or why there is none. */
  last_at: Date | null;
  last_run_id: string | null;
  last_reason: string | null;
  created_at: Date;
  updated_at: Date;
}

/** Who owns a partition of the runs. Not a tenant's data: no row of it says anything about a tenant. */
interface PartitionLeaseTable {
  partition: number;
  owner: string | null;
  /** Grows by one with every change of owner, and fences the one before. */
  epoch: number;
  expires_at: Date | null;
  /** Whatever was committed before this moment (by its events' `at`) has been published. */
  published_until: Date;
}

/** The replicas that are alive, so that each knows its fair share of the partitions. Not a tenant's data. */
interface ReplicaTable {
  replica_id: string;
  expires_at: Date;
}

/** An output that may stand in for the same work. */
interface CachedOutputTable {
  tenant_id: string;
  /** A digest of the kind of work and of what its output depends on. */
  work: string;
  output: Json<JsonValue>;
  expires_at: Date;
}

/** A name for a version of a graph, which can be moved. */
interface GraphAliasTable {
  tenant_id: string;
  graph_name: string;
  alias: string;
  graph_version: number;
  updated_at: ColumnType<Date, Date, Date>;
}

interface ThreadTable {
  tenant_id: string;
  thread_id: string;
  version: number;
  state: Json<JsonObject>;
  created_at: Date;
  updated_at: Date;
}

/** A state that a thread had. */
interface ThreadVersionTable {
  tenant_id: string;
  thread_id: string;
  version: number;
  state: Json<JsonObject>;
  /** The run that wrote it; null for a caller. */
  run_id: string | null;
  at: Date;
}

/** A run in line at its thread: it waits there, or it is under way. */
interface ThreadPlaceTable {
  tenant_id: string;
  run_id: string;
  /** How often the run had been retried when it came. */
  generation: number;
  thread_id: string;
  partition: number;
  /** In the order of arrival. */
  number: Generated<number>;
  interrupts: Generated<boolean>;
  /** A place is kept before its run is stored, for a while. */
  kept_at: Generated<Date>;
  stored: Generated<boolean>;
  granted_at: Date | null;
  /** Whether the run knows that it is its turn. */
  taken: Generated<boolean>;
}

/** That there was a run, which was removed. */
interface RemovedRunTable {
  tenant_id: string;
  run_id: string;
  removed_at: Generated<Date>;
}

export interface OrchestratorTables {
  graph_alias: GraphAliasTable;
  graph_version: GraphVersionTable;
  run: RunTable;
  run_event: RunEventTable;
  run_timer: RunTimerTable;
  event_wait: EventWaitTable;
  schedule: ScheduleTable;
  approval: ApprovalTable;
  slot_request: SlotRequestTable;
  thread: ThreadTable;
  thread_version: ThreadVersionTable;
  thread_place: ThreadPlaceTable;
  cached_output: CachedOutputTable;
  removed_run: RemovedRunTable;
  partition_lease: PartitionLeaseTable;
  replica: ReplicaTable;
}
