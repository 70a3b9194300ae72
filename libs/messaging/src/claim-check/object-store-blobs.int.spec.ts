import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256Hex } from '@millrace/kernel';
import { startNatsServer, type NatsServer } from '@millrace/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { blobStoreConformance } from '../conformance/blob-store.conformance.js';
import { ObjectStoreBlobs } from './object-store-blobs.js';

blobStoreConformance('the object store of NATS', async () => {
  const server = await startNatsServer({ exclusive: true });
  const [one, two] = await Promise.all([connect({ servers: server.url }), connect({ servers: server.url })]);
  const close = async (): Promise<void> => {
    await Promise.all([one.close(), two.close()]);
    await server.stop();
  };
  return { blobs: new ObjectStoreBlobs(one), other: new ObjectStoreBlobs(two), close };
});

describe('the object store after somebody wiped the server', () => {
  let server: NatsServer;
  let connection: NatsConnection;
  beforeAll(async () => {
    server = await startNatsServer({ exclusive: true });
    connection = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });

  const content = Buffer.from('large '.repeat(50_000));
  const sha256 = sha256Hex(content);
  const wipe = async (): Promise<void> => {
    const manager = await jetstreamManager(connection);
    await manager.streams.delete('OBJ_payloads');
  };

  it('takes blobs again, those that it had as well', async () => {
    const blobs = new ObjectStoreBlobs(connection);
    await blobs.put(sha256, content);
    await wipe();
    await blobs.put(sha256, content);
    expect((await blobs.get(sha256))?.byteLength).toBe(content.byteLength);
  });

  it('says of what it had that it is gone', async () => {
    const blobs = new ObjectStoreBlobs(connection);
    await blobs.put(sha256, content);
    await wipe();
    expect(await blobs.get(sha256)).toBeUndefined();
  });
});
