/** The orchestrator's stores in a real database, for whoever holds others to what these do. */
export { orchestratorMigrations } from './schema/migrations/index.js';
export { storesIn } from './schema/stores.js';
export type { OrchestratorTables } from './schema/tables.js';
