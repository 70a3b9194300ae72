/** The orchestrator without its service: for whoever brings it a database, a bus and a clock of another kind. */
export { decide as decideApproval } from './approval/decide-approval.js';
export { grantable } from './concurrency/grants.js';
export type { OrchestratorConfig } from './config.js';
export { Orchestrator } from './orchestrator.js';
export { foldRun, runOf, type RunKey } from './run/hot-run.js';
export { graphsOfRun } from './run/run-graphs.js';
export { runIdOfFireTime } from './schedule/scheduler.js';
export type { OrchestratorStores } from './schema/stores.js';
export { admission, nextInLine, type PlaceInLine } from './thread/thread-line.js';
