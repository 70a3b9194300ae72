import { describe, expect, it } from '@jest/globals';
import { startPostgres, withClient } from './postgres.js';

const count = (url: string) =>
  withClient(
    url,
    async (client) => (await client.query<{ n: number }>('select count(*)::int as n from kept')).rows[0]?.n,
  );

describe('startPostgres', () => {
  it('copies templates, survives SIGKILL and restart, and refuses strangers', async () => {
    await using server = await startPostgres({ exclusive: true });
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
    await expect(startPostgres({ exclusive: true, settings: { no_such_setting: '1' } })).rejects.toThrow(
      /before it answered:[^]*no_such_setting/,
    );
  });
});
