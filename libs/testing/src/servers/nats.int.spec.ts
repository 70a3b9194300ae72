import { existsSync } from 'node:fs';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it } from '@jest/globals';
import { startNatsServer } from './nats.js';

async function withConnection<Result>(url: string, work: (connection: NatsConnection) => Promise<Result>) {
  const connection = await connect({ servers: url });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const api = async (connection: NatsConnection, subject: string, body: object = {}) =>
  (await connection.request(`$JS.API.${subject}`, JSON.stringify(body))).json<{ state?: { messages: number } }>();

describe('startNatsServer', () => {
  it('keeps port and store over SIGKILL and restart, and removes its folder at the end', async () => {
    const server = await startNatsServer({ exclusive: true });
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
    await using open = await startNatsServer({ exclusive: true });
    await using guarded = await startNatsServer({ config: 'authorization { user: worker, password: secret }' });
    expect(open.port).not.toBe(guarded.port);
    await expect(connect({ servers: guarded.url, reconnect: false })).rejects.toThrow(/authorization/i);
    const connection = await connect({ servers: guarded.url, user: 'worker', pass: 'secret' });
    await connection.close();
  });

  it('shows the log of a server that ends before it answers', async () => {
    await expect(startNatsServer({ config: 'jetstream { no_such_setting: 1 }' })).rejects.toThrow(
      /ended \(exit code 1\) before it answered:[^]*no_such_setting/,
    );
  });

  it('takes the server that the environment names, and refuses to kill that one', async () => {
    await using real = await startNatsServer({ exclusive: true });
    process.env.MILLRACE_TEST_NATS_URL = real.url;
    try {
      const named = await startNatsServer();
      expect(named.url).toBe(real.url);
      await expect(named.kill()).rejects.toMatchObject({ code: 'test_server_not_ours' });
      await named.stop();
      await withConnection(real.url, (connection) => connection.flush());
    } finally {
      delete process.env.MILLRACE_TEST_NATS_URL;
    }
  });
});
