import type { Migrations } from '@millrace/database';
import { outboxMigration } from '@millrace/messaging';
import { up as createCollections } from './migrations/0001_collections.js';
import { up as createIndex } from './migrations/0002_index.js';

export const migrations: Migrations = {
  '0001_collections': { up: createCollections },
  '0002_index': { up: createIndex },
  '0003_outbox': outboxMigration,
};
