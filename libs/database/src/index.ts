export type { DatabaseBackend } from './backend.js';
export type { Database, Migrations, StatementBuilder, TransactionOptions } from './database.js';
export { openEmbedded, type EmbeddedBackend, type EmbeddedOptions } from './embedded/open-embedded.js';
export { isUniqueViolation } from './errors.js';
export { openDatabase } from './open-database.js';
export { connectPostgres, type PostgresOptions } from './postgres/connect-postgres.js';
export { protectServiceTable, protectTenantTable, type Privilege } from './schema/protect.js';
export { jsonb } from './values.js';
