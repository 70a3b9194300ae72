import { connect } from '@nats-io/transport-node';
import { describe, expect, it } from '@jest/globals';
import { startNatsServer } from './nats.js';

describe('startNatsServer', () => {
  it('takes the server that the environment names, and refuses to kill that one', async () => {
    await using real = await startNatsServer({ exclusive: true });
    process.env.MILLRACE_TEST_NATS_URL = real.url;
    try {
      const named = await startNatsServer();
      expect(named.url).toBe(real.url);
      await expect(named.kill()).rejects.toMatchObject({ code: 'test_server_not_ours' });
      await named.stop();
      const connection = await connect({ servers: real.url });
      await connection.close();
    } finally {
      delete process.env.MILLRACE_TEST_NATS_URL;
    }
  });
});
