import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@millrace/testing';
import { launchNats } from './nats.js';

async function withConnection<Result>(url: string, work: (connection: NatsConnection) => Promise<Result>) {
  const { host, username, password } = new URL(url);
  const connection = await connect({ servers: host, user: username || undefined, pass: password || undefined });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const api = async (connection: NatsConnection, subject: string, body: object = {}) =>
  (await connection.request(`$JS.API.${subject}`, JSON.stringify(body))).json<{
    state?: { messages: number };
    total?: number;
    error?: object;
  }>();

describe('a nats-server', () => {
  it('keeps port and store over SIGKILL and restart, and removes its folder at the end', async () => {
    const server = await launchNats();
    await withConnection(server.url, async (connection) => {
      await api(connection, 'STREAM.CREATE.KEPT', { name: 'KEPT', subjects: ['kept.>'] });
      await connection.request('kept.one', 'first');
    });
    await server.kill();
    await expect(connect({ servers: server.url, reconnect: false, timeout: 500 })).rejects.toThrow();
    await server.restart();
    const stream = await withConnection(server.url, (connection) => api(connection, 'STREAM.INFO.KEPT'));
    expect(stream.state?.messages).toBe(1);
    await server.stop();
    await server.stop();
    expect(existsSync(server.storeDirectory)).toBe(false);
  });

  it('runs several at once, each with its own configuration', async () => {
    await using open = await launchNats();
    await using guarded = await launchNats({ config: 'authorization { user: worker, password: secret }' });
    expect(open.port).not.toBe(guarded.port);
    await expect(connect({ servers: guarded.url, reconnect: false })).rejects.toThrow(/authorization/i);
    const connection = await connect({ servers: guarded.url, user: 'worker', pass: 'secret' });
    await connection.close();
  });

  it('shows the log of a server that ends before it answers', async () => {
    await expect(launchNats({ config: 'jetstream { no_such_setting: 1 }' })).rejects.toThrow(
      /ended \(exit code 1\) before it answered:[^]*no_such_setting/,
    );
  });

  it('takes other users while it runs', async () => {
    const users = (...names: string[]) =>
      `authorization { users: [${names.map((name) => `{ user: ${name}, password: secret }`).join(', ')}] }`;
    const credentials = { user: 'operator', password: 'secret' };
    await using server = await launchNats({ config: users('operator'), credentials });
    await withConnection(server.url, (connection) => api(connection, 'INFO'));
    const late = () => connect({ servers: `127.0.0.1:${server.port}`, user: 'late', pass: 'secret', reconnect: false });
    await expect(late()).rejects.toThrow(/authorization/i);
    server.reconfigure(users('operator', 'late'));
    const connection = await eventually(late);
    await connection.close();
    const { error } = await withConnection(server.url, (operator) => api(operator, 'INFO'));
    expect(error).toBeUndefined();
  });

  it('begins with an empty store after a wipe, and keeps the store of a folder over a stop', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-nats-kept-'));
    const streams = async (url: string) =>
      withConnection(url, async (connection) => (await api(connection, 'STREAM.NAMES')).total);
    const first = await launchNats({ folder });
    await withConnection(first.url, (connection) =>
      api(connection, 'STREAM.CREATE.KEPT', { name: 'KEPT', subjects: ['kept.>'] }),
    );
    await first.stop();
    await using second = await launchNats({ folder });
    expect(await streams(second.url)).toBe(1);
    await second.wipe();
    await second.restart();
    expect(await streams(second.url)).toBe(0);
    await second.stop();
    rmSync(folder, { recursive: true });
  });
});
