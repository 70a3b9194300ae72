import type { JetStreamClient } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/nats-core';
import { Objm, setSha256Backend, StorageType, type ObjectStore } from '@nats-io/obj';
import { apiCode, hasApiCode } from '../jetstream/failures.js';
import { blobStorage } from '../topology.js';
import type { BlobStore } from './blob-store.js';

/** Blobs in the object store of NATS: bounded, and gone when they are old. */
export class ObjectStoreBlobs implements BlobStore {
  private opened: Promise<ObjectStore> | undefined;

  /** @param replicas how many servers of a cluster keep each blob */
  constructor(
    private readonly source: NatsConnection | JetStreamClient,
    private readonly replicas = 1,
  ) {}

  put(sha256: string, content: Uint8Array): Promise<void> {
    return this.inBucket(async (store) => {
      const known = await store.info(sha256);
      // Writing it again takes the old chunks away from whoever reads them now, so only to begin its time anew.
      if (known !== null && Date.now() - Date.parse(known.mtime) < blobStorage.maxAgeMs / 2) return;
      await store.putBlob({ name: sha256 }, content);
    });
  }

  get(sha256: string): Promise<Uint8Array | undefined> {
    return this.inBucket(async (store) => (await store.getBlob(sha256)) ?? undefined);
  }

  /** Works in the bucket, which is made again where it has gone since it was opened: somebody wiped the server. */
  private async inBucket<Result>(work: (store: ObjectStore) => Promise<Result>): Promise<Result> {
    const { opened } = this;
    try {
      return await work(await this.store());
    } catch (error) {
      if (opened === undefined || !hasApiCode(error, apiCode.streamNotFound)) throw error;
      // Whoever came first has opened it again already.
      if (this.opened === opened) this.opened = undefined;
      return work(await this.store());
    }
  }

  private store(): Promise<ObjectStore> {
    this.opened ??= this.open().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  private open(): Promise<ObjectStore> {
    setSha256Backend('native');
    return new Objm(this.source).create(blobStorage.bucket, {
      ttl: nanos(blobStorage.maxAgeMs),
      storage: StorageType.File,
      replicas: this.replicas,
      max_bytes: blobStorage.maxBytes,
    });
  }
}
