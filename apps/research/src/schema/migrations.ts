import type { Migrations } from '@millrace/database';
import { outboxMigration } from '@millrace/messaging';
import * as collections from './migrations/0001_collections.js';
import * as index from './migrations/0002_index.js';

export const migrations: Migrations = {
  '0001_collections': collections,
  '0002_index': index,
  '0003_outbox': outboxMigration,
};
