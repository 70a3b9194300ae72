import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { launchPostgres, withClient } from './postgres.js';

const count = (url: string) =>
  withClient(
    url,
    async (client) => (await client.query<{ n: number }>('select count(*)::int as n from kept')).rows[0]?.n,
  );

/** Only root starts the server as another user than itself. */
const asRoot = process.getuid?.() === 0 ? it : it.skip;

describe('a PostgreSQL', () => {
  it('copies templates, survives SIGKILL and restart, and refuses strangers', async () => {
    await using server = await launchPostgres();
    const first = await server.createDatabase('first');
    await withClient(first, (client) => client.query('create table kept as select generate_series(1, 3) as n'));
    const copy = await server.createDatabase('Second "copy"', { template: 'first' });
    expect(await count(copy)).toBe(3);

    await server.kill();
    await expect(count(first)).rejects.toThrow();
    await server.restart();
    expect(await count(first)).toBe(3);

    const stranger = new URL(first);
    stranger.password = 'guess';
    await expect(count(stranger.href)).rejects.toThrow(/password authentication failed/);

    await server.dropDatabase('first');
    await expect(count(first)).rejects.toThrow(/does not exist/);
  });

  it('shows the log when a setting keeps it from starting', async () => {
    await expect(launchPostgres({ settings: { no_such_setting: '1' } })).rejects.toThrow(
      /before it answered:[^]*no_such_setting/,
    );
  });

  it('keeps the data of a folder over a stop', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-postgres-kept-'));
    const options = { folder, password: 'secret', fsync: true };
    const first = await launchPostgres(options);
    const url = await first.createDatabase('first');
    await withClient(url, (client) => client.query('create table kept as select generate_series(1, 3) as n'));
    await first.stop();
    await using second = await launchPostgres(options);
    const address = new URL(second.url);
    address.pathname = '/first';
    expect(await count(address.href)).toBe(3);
    await second.stop();
    rmSync(folder, { recursive: true });
  });

  asRoot('says so when its user cannot reach the folder', async () => {
    const closed = mkdtempSync(join(tmpdir(), 'millrace-postgres-closed-'));
    await expect(launchPostgres({ folder: join(closed, 'data') })).rejects.toMatchObject({
      code: 'server_folder_unusable',
      message: expect.stringContaining(closed),
    });
    rmSync(closed, { recursive: true });
  });
});
