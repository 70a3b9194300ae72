/** Brings the tables of a service up to date, as their owner, in a process of its own that ends afterwards. */
import { mkdir } from 'node:fs/promises';
import { MillraceError } from '@millrace/kernel';
import type { ServiceName } from '@millrace/messaging';
import { guard, startLogged } from '@millrace/servers';
import { builtApp } from './built-app.js';

export interface MigrationPlan {
  readonly service: ServiceName;
  /** For its log. */
  readonly folder: string;
  readonly ownerUrl: string;
  readonly loginUrl: string;
}

/** @throws MillraceError `migration_failed` with what it wrote */
export async function migrateService({ service, folder: directory, ownerUrl, loginUrl }: MigrationPlan): Promise<void> {
  const name = `${service}-migrate`;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const migration = await startLogged({
    program: process.execPath,
    arguments: [builtApp(service), 'migrate'],
    directory,
    name,
    environment: {
      ...process.env,
      NODE_ENV: 'production',
      MILLRACE_LOG_FORMAT: 'json',
      MILLRACE_DATABASE_MIGRATION_URL: ownerUrl,
      MILLRACE_DATABASE_URL: loginUrl,
    },
    detached: true,
  });
  const release = guard({ directory, name, signal: 'TERM', removes: false });
  const { code } = await migration.untilEnded();
  release();
  if (code === 0) return;
  const message = `The tables of ${service} could not be migrated; the log is ${migration.logFile}:\n${migration.log(2_000)}`;
  throw new MillraceError('unavailable', 'migration_failed', message.trimEnd());
}
