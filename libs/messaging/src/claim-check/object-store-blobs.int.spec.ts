import { startNatsServer } from '@millrace/testing';
import { connect } from '@nats-io/transport-node';
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
