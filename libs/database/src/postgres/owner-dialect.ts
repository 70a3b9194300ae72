import { PostgresAdapter, PostgresDialect } from 'kysely';

/**
 * For migrations, which take their lock themselves before anything else. Kysely's own would be released inside the
 * transaction: before the commit, and after a failure by a statement that fails too and hides the cause.
 */
export class OwnerDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new AdapterWithoutLock();
  }
}

class AdapterWithoutLock extends PostgresAdapter {
  override acquireMigrationLock(): Promise<void> {
    return Promise.resolve();
  }

  override releaseMigrationLock(): Promise<void> {
    return Promise.resolve();
  }
}
