import { type Migrations, protectTenantTable } from '@millrace/database';
import { sql } from 'kysely';

/** The evaluation service's migrations, in order. A released one never changes. */
export const migrations: Migrations = {
  '0001_score': {
    async up(database) {
      await database.schema
        .createTable('score')
        .addColumn('tenant_id', 'text', (column) => column.notNull())
        .addColumn('task_id', 'text', (column) => column.notNull())
        .addColumn('run_id', 'text', (column) => column.notNull())
        .addColumn('node', 'text', (column) => column.notNull())
        .addColumn('suite', 'text', (column) => column.notNull())
        .addColumn('score', 'float8')
        .addColumn('passed', 'boolean', (column) => column.notNull())
        .addColumn('output', 'jsonb', (column) => column.notNull())
        .addColumn('created_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .addPrimaryKeyConstraint('score_pkey', ['tenant_id', 'task_id'])
        .execute();
      await protectTenantTable(database, 'score', { tenant: ['select', 'insert', 'update'] });
    },
  },
};
