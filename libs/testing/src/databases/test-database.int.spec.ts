import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { protectTenantTable, type Migrations } from '@millrace/database';
import { describe, expect, it } from '@jest/globals';
import { sql, type Kysely } from 'kysely';
import { eventually } from '../eventually.js';
import { startScript, type ScriptProcess } from '../processes/start-script.js';
import { withClient } from '@millrace/servers';
import { startPostgres } from '../servers/postgres.js';
import { backendKinds, testDatabase } from './test-database.js';

interface Tables {
  note: { tenant_id: string; id: string };
}
const migrations: Migrations = {
  '0001_notes': {
    async up(transaction: Kysely<unknown>) {
      await sql`create table note (tenant_id text, id text, primary key (tenant_id, id))`.execute(transaction);
      await protectTenantTable(transaction, 'note', { tenant: ['select', 'insert'] });
    },
  },
};
const open = (backend: (typeof backendKinds)[number]) =>
  testDatabase<Tables>({ backend, service: 'test-notes', migrations });

describe.each(backendKinds)('testDatabase on %s', (backend) => {
  it('gives each its own migrated database', async () => {
    await using first = await open(backend);
    await using second = await open(backend);
    await first.database.forTenant('acme', (transaction) =>
      transaction.insertInto('note').values({ tenant_id: 'acme', id: 'one' }).execute(),
    );
    const found = await second.database.forTenant('acme', (transaction) =>
      transaction.selectFrom('note').selectAll().execute(),
    );
    expect(found).toEqual([]);
  });
});

describe('the shared Postgres', () => {
  it('is one for several processes, and outlives the one that started it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-shared-'));
    chmodSync(folder, 0o755);
    const start = () =>
      startScript(
        `import { testBackend } from '@millrace/testing';
         const backend = await testBackend('postgres');
         console.log('ready');
         setInterval(() => {}, 1_000);`,
        { environment: { TMPDIR: folder, MILLRACE_TEST_POSTGRES_URL: '' } },
      );
    const ready = (script: ScriptProcess) =>
      eventually(() => script.output.standard === 'ready\n', { timeoutMs: 30_000, describe: 'the script is ready' });
    const servers = () =>
      readdirSync(folder).filter((name) => name.startsWith('millrace-test-postgres-') && !name.includes('-of-'));

    await using first = start();
    await ready(first);
    await using second = start();
    await ready(second);
    await first.kill();
    await using third = start();
    await ready(third);
    expect(servers()).toHaveLength(1);
    await second.kill();
    await third.kill();
    await eventually(() => servers().length === 0, { describe: 'the server ended with its last user' });
    rmSync(folder, { recursive: true });
  }, 90_000);

  it('leaves nothing in a server that the environment names', async () => {
    await using server = await startPostgres({ exclusive: true });
    const databases = () =>
      withClient(
        server.url,
        async (client) =>
          (await client.query<{ name: string }>('select datname as name from pg_database order by 1')).rows,
      );
    const before = await databases();
    const script = startScript(
      `import { testDatabase } from '@millrace/testing';
       const opened = await testDatabase({ backend: 'postgres', service: 'guest', migrations: {} });
       console.log((await opened.database.health()).ready);
       await opened.close();`,
      { environment: { MILLRACE_TEST_POSTGRES_URL: server.url } },
    );
    await script.ended;
    expect(script.output).toMatchObject({ standard: 'true\n' });
    expect(await databases()).toEqual(before);
  }, 60_000);
});
