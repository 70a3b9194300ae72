import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sha256Hex } from '@millrace/kernel';
import type { BlobStore } from '../claim-check/blob-store.js';
import { numbers, token } from './bus-world.js';

export interface OpenBlobs {
  readonly blobs: BlobStore;
  /** A second one on the same content. */
  readonly other: BlobStore;
  close(): Promise<void>;
}

export function blobStoreConformance(adapter: string, open: () => Promise<OpenBlobs>): void {
  describe(`blobs in ${adapter}`, () => {
    let opened: OpenBlobs;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const put = async (store: BlobStore, content: Uint8Array): Promise<string> => {
      const sha256 = sha256Hex(content);
      await store.put(sha256, content);
      return sha256;
    };

    it.each([0, 1, 128 * 1024, 128 * 1024 + 1, 3_000_001])('keep %i bytes exactly, for everybody', async (size) => {
      const content = Buffer.from(Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251));
      const sha256 = await put(opened.blobs, content);
      const read = await opened.other.get(sha256);
      expect(read !== undefined && Buffer.compare(read, content)).toBe(0);
    });

    it('know nothing of what was never put', async () => {
      expect(await opened.blobs.get(sha256Hex(token()))).toBeUndefined();
    });

    it('take the same content again and at the same moment, while it is read', async () => {
      const content = Buffer.from(token().repeat(20_000));
      const sha256 = await put(opened.blobs, content);
      const both = [opened.blobs, opened.other];
      const work = numbers(20).map(async (number) => {
        await put(both[number % 2]!, content);
        expect((await both[(number + 1) % 2]!.get(sha256))?.byteLength).toBe(content.byteLength);
      });
      await Promise.all(work);
    });

    it('are whole after several wrote them first at the same moment', async () => {
      const content = Buffer.from(token().repeat(20_000));
      await Promise.all([opened.blobs, opened.other].map((store) => put(store, content)));
      expect((await opened.blobs.get(sha256Hex(content)))?.byteLength).toBe(content.byteLength);
    });
  });
}
