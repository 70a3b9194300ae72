/**
 * The orchestrator's whole inbox. Beside it, for each partition that a replica owns, it answers results on `result.<partition>.v1`
 * and commands that reached another replica on the partition's mailbox (`partition/partition-inbox.ts`).
 */
import {
  cancelRun,
  createSchedule,
  deleteSchedule,
  deleteThread,
  getSchedule,
  listSchedules,
  updateSchedule,
  decideApproval,
  forkRun,
  getApproval,
  deleteGraphAlias,
  getGraph,
  listGraphAliases,
  setGraphAlias,
  getRun,
  getThread,
  getThreadState,
  listApprovals,
  listGraphs,
  listRunEvents,
  listRuns,
  listThreads,
  listThreadVersions,
  migrateRun,
  patchThreadState,
  pauseRun,
  publishGraph,
  recordRun,
  resumeRun,
  removeRun,
  retryRun,
  signalRun,
  startRun,
  validateGraph,
} from '@millrace/contracts';
import { defineSubscriptions } from '@millrace/service';
import { DecideApprovalHandler } from './approval/decide-approval.handler.js';
import { GetApprovalHandler } from './approval/get-approval.handler.js';
import { ListApprovalsHandler } from './approval/list-approvals.handler.js';
import {
  DeleteGraphAliasHandler,
  ListGraphAliasesHandler,
  SetGraphAliasHandler,
} from './graph/graph-alias.handlers.js';
import { GetGraphHandler } from './graph/get-graph.handler.js';
import { ListGraphsHandler } from './graph/list-graphs.handler.js';
import { PublishGraphHandler } from './graph/publish-graph.handler.js';
import { ValidateGraphHandler } from './graph/validate-graph.handler.js';
import {
  CreateScheduleHandler,
  DeleteScheduleHandler,
  GetScheduleHandler,
  ListSchedulesHandler,
  UpdateScheduleHandler,
} from './schedule/schedule.handlers.js';
import { CancelRunHandler } from './run/cancel-run.handler.js';
import { ForkRunHandler } from './run/fork-run.handler.js';
import { GetRunHandler } from './run/get-run.handler.js';
import { ListRunEventsHandler } from './run/list-run-events.handler.js';
import { ListRunsHandler } from './run/list-runs.handler.js';
import { MigrateRunHandler } from './run/migrate-run.handler.js';
import { PauseRunHandler } from './run/pause-run.handler.js';
import { RecordRunHandler } from './run/record-run.handler.js';
import { ResumeRunHandler } from './run/resume-run.handler.js';
import { RemoveRunHandler } from './run/remove-run.handler.js';
import { RetryRunHandler } from './run/retry-run.handler.js';
import { SignalRunHandler } from './run/signal-run.handler.js';
import { StartRunHandler } from './run/start-run.handler.js';
import {
  DeleteThreadHandler,
  GetThreadHandler,
  GetThreadStateHandler,
  ListThreadsHandler,
  ListThreadVersionsHandler,
  PatchThreadStateHandler,
} from './thread/thread.handlers.js';

export const subscriptions = defineSubscriptions([
  { contract: startRun, handler: StartRunHandler, maxInFlight: 4_096 },
  { contract: forkRun, handler: ForkRunHandler, maxInFlight: 256 },
  { contract: cancelRun, handler: CancelRunHandler, maxInFlight: 1_024 },
  { contract: pauseRun, handler: PauseRunHandler, maxInFlight: 1_024 },
  { contract: resumeRun, handler: ResumeRunHandler, maxInFlight: 1_024 },
  { contract: retryRun, handler: RetryRunHandler, maxInFlight: 256 },
  { contract: migrateRun, handler: MigrateRunHandler, maxInFlight: 64 },
  { contract: removeRun, handler: RemoveRunHandler, maxInFlight: 64 },
  { contract: signalRun, handler: SignalRunHandler, maxInFlight: 1_024 },
  { contract: getRun, handler: GetRunHandler, maxInFlight: 256 },
  { contract: recordRun, handler: RecordRunHandler, maxInFlight: 64 },
  { contract: listRuns, handler: ListRunsHandler, maxInFlight: 64 },
  { contract: listRunEvents, handler: ListRunEventsHandler, maxInFlight: 256 },
  { contract: listApprovals, handler: ListApprovalsHandler, maxInFlight: 64 },
  { contract: getApproval, handler: GetApprovalHandler, maxInFlight: 256 },
  { contract: decideApproval, handler: DecideApprovalHandler, maxInFlight: 256 },
  { contract: createSchedule, handler: CreateScheduleHandler, maxInFlight: 64 },
  { contract: getSchedule, handler: GetScheduleHandler, maxInFlight: 64 },
  { contract: listSchedules, handler: ListSchedulesHandler, maxInFlight: 64 },
  { contract: updateSchedule, handler: UpdateScheduleHandler, maxInFlight: 64 },
  { contract: deleteSchedule, handler: DeleteScheduleHandler, maxInFlight: 64 },
  { contract: getThread, handler: GetThreadHandler, maxInFlight: 256 },
  { contract: listThreads, handler: ListThreadsHandler, maxInFlight: 64 },
  { contract: deleteThread, handler: DeleteThreadHandler, maxInFlight: 64 },
  { contract: getThreadState, handler: GetThreadStateHandler, maxInFlight: 256 },
  { contract: patchThreadState, handler: PatchThreadStateHandler, maxInFlight: 256 },
  { contract: listThreadVersions, handler: ListThreadVersionsHandler, maxInFlight: 64 },
  { contract: publishGraph, handler: PublishGraphHandler, maxInFlight: 16 },
  { contract: validateGraph, handler: ValidateGraphHandler, maxInFlight: 16 },
  { contract: getGraph, handler: GetGraphHandler, maxInFlight: 64 },
  { contract: setGraphAlias, handler: SetGraphAliasHandler, maxInFlight: 16 },
  { contract: listGraphAliases, handler: ListGraphAliasesHandler, maxInFlight: 64 },
  { contract: deleteGraphAlias, handler: DeleteGraphAliasHandler, maxInFlight: 16 },
  { contract: listGraphs, handler: ListGraphsHandler, maxInFlight: 64 },
]);
